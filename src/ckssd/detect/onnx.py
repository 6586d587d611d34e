"""Run an SSD's ONNX graph with ONNX Runtime: the network with this project's NMS, or a graph with its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from ckssd.detect.detections import Detections, from_frozen_outputs
from ckssd.detect.native_log import without_native_log
from ckssd.detect.network_input import Tensor
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.errors import InputError
from ckssd.onnx.model import DETECTION_OUTPUTS, OnnxModel, plain_name
from ckssd.tflite.activation import class_output

PROVIDERS = ["CPUExecutionProvider"]
ERRORS_ONLY = 3
# What ONNX Runtime raises; no common class of its own.
FAULTS = (
    faults.Fail,
    faults.InvalidArgument,
    faults.InvalidGraph,
    faults.InvalidProtobuf,
    faults.NoSuchFile,
    faults.NotImplemented,
    faults.RuntimeException,
)


class _Network:
    """A graph, loaded and ready.

    Parameters
    ----------
    threads
        For the whole graph; at least 1. One image at a time.

    Raises
    ------
    InputError
        If ONNX Runtime refuses it.
    """

    def __init__(self, path: Path, outputs: list[str], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        try:
            with without_native_log():
                self._session = onnxruntime.InferenceSession(str(path), options, providers=PROVIDERS)
        except FAULTS as error:
            raise InputError("ONNX Runtime refuses the model", where=path, got=_line(error)) from error
        self._input, self._outputs = self._session.get_inputs()[0].name, outputs

    def run(self, image: Tensor) -> list[Tensor]:
        """The outputs for one image; RuntimeError if ONNX Runtime fails."""
        try:
            outputs: list[Tensor] = self._session.run(self._outputs, {self._input: image})
        except FAULTS as error:
            raise RuntimeError(_line(error)) from error  # as the other runtimes have it
        return outputs


class RawOnnxDetector:
    """A graph that ends in box encodings and class predictions, loaded and ready.

    Parameters
    ----------
    model
        One input [1, height, width, 3]; outputs box encodings [1, A, 4] and class predictions, in any order.
    postprocessing
        What makes detections of them.
    threads
        For the network; NMS runs on one.

    Raises
    ------
    InputError
        If ONNX Runtime refuses the model.
    """

    def __init__(self, model: OnnxModel, postprocessing: OwnPostprocessing, threads: int = 1) -> None:
        names = [tensor.name for tensor in model.outputs]
        self._network = _Network(model.path, names if class_output(model) else names[::-1], threads)
        self._postprocessing = postprocessing

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3], normalised as the model wants it."""
        encodings, predictions = self._network.run(image)
        return self._postprocessing.detections(encodings, predictions)


class OnnxDetector:
    """A whole graph of the Object Detection API, loaded and ready; its Preprocessor normalises.

    Parameters are those of RawOnnxDetector.
    """

    def __init__(self, model: OnnxModel, threads: int = 1) -> None:
        named = {plain_name(tensor.name): tensor.name for tensor in model.outputs}
        self._network = _Network(model.path, [named[name] for name in DETECTION_OUTPUTS], threads)
        self._dtype = np.dtype(model.inputs[0].dtype)

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3] of 0 to 255, red first."""
        boxes, classes, scores, count = self._network.run(np.asarray(image, self._dtype))
        return from_frozen_outputs(boxes, classes, scores, count)


def _line(error: Exception) -> str:
    """The first line: the others repeat names of its own sources."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
