"""Run a TFLite model without the postprocessing operator: LiteRT does the network, NumPy the NMS."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.detect.detections import Detections, clipped
from ckssd.detect.litert import loaded, network_input
from ckssd.detect.network_input import Tensor
from ckssd.detect.nms import postprocess
from ckssd.detect.scores import Scores
from ckssd.errors import InputError
from ckssd.tflite.activation import class_activation, class_output
from ckssd.tflite.model import POSTPROCESS, TFLiteModel
from ckssd.tflite.options import PostProcessOptions

OUTPUT_TYPES = ("float32", "uint8", "int8")


class RawLiteRTDetector:
    """A graph that ends in box encodings and class predictions, loaded and ready.

    Parameters
    ----------
    model
        One input [1, height, width, 3]; outputs box encodings [1, A, 4] and class predictions, in any order.
    anchors
        float32 [A, 4]: ycenter, xcenter, h, w.
    options
        What the postprocessing operator would be told.
    threads
        For the network; NMS runs on one.
    scores
        How the class predictions become scores (default: they are).
    others
        Other options, which NMS runs with on the same outputs.

    Raises
    ------
    InputError
        If the model has other inputs or outputs, or LiteRT refuses it.
    """

    def __init__(
        self,
        model: TFLiteModel,
        anchors: npt.NDArray[np.float32],
        options: PostProcessOptions,
        threads: int = 1,
        scores: Scores | None = None,
        others: Sequence[PostProcessOptions] = (),
    ) -> None:
        network_input(model)
        check_outputs(model, anchors, options)
        try:
            self._network = loaded(model.data, threads)
        except (RuntimeError, ValueError) as error:
            raise InputError("LiteRT refuses the model", where=model.path, got=str(error)) from error
        self._input = int(self._network.get_input_details()[0]["index"])
        outputs = [
            (int(detail["index"]), *detail["quantization"]) for detail in self._network.get_output_details()
        ]
        self._outputs = outputs if class_output(model) else outputs[::-1]
        self._anchors, self._options = anchors, (options, *others)
        self._scores = scores or Scores(model.path, class_activation(model))

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3], normalised as the model wants it."""
        self._network.set_tensor(self._input, image)
        self._network.invoke()
        # Views, not copies; they end with this call, because LiteRT does not run while one is alive.
        encodings, predictions = (
            _numbers(self._network.tensor(index)(), scale, zero) for index, scale, zero in self._outputs
        )
        scores = self._scores.of(predictions)
        first, *others = (
            clipped(*postprocess(encodings, scores, self._anchors, options)) for options in self._options
        )
        return dataclasses.replace(first, others=tuple(others)) if others else first


def _numbers(values: npt.NDArray[Any], scale: float, zero: int) -> npt.NDArray[np.float32]:
    """What quantised outputs stand for: ``scale * (value - zero)``; float ones as they are."""
    if values.dtype == np.float32:
        return values
    return np.asarray((values.astype(np.float32) - np.float32(zero)) * np.float32(scale), np.float32)


def check_outputs(model: TFLiteModel, anchors: npt.NDArray[np.float32], options: PostProcessOptions) -> None:
    """Raise an InputError if the outputs are not those that the anchors and the classes ask for."""
    number, classes = len(anchors), options.num_classes
    shapes = [tensor.shape for tensor in model.outputs]
    if class_output(model) == 0:
        shapes.reverse()
    fitting = [[(1, number, 4), (1, number, classes + background)] for background in (0, 1)]
    if shapes not in fitting or any(tensor.dtype not in OUTPUT_TYPES for tensor in model.outputs):
        raise InputError(
            "The model has not the outputs of a graph without NMS",
            where=model.path,
            expected=f"{', '.join(OUTPUT_TYPES)} [1, {number}, 4] and [1, {number}, {classes + 1}], "
            f"for {number} anchors and {classes} classes",
            got=", ".join(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in model.outputs),
            advice=f"a graph that ends in {POSTPROCESS} runs with USE_NMS=regular or fast",
        )
