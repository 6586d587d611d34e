"""Run a TFLite detection model with LiteRT, giving the same detections with any number of threads.

The model is cut in two (see ckssd.tflite.model): the convolutions run with as many threads as wanted, the
postprocessing operator in a one-thread interpreter of its own, because with several it loses a class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.detections import Detections, from_outputs
from ckssd.detect.laps import POSTPROCESSING, lap
from ckssd.detect.native_log import without_native_log
from ckssd.detect.network_input import NetworkInput, Tensor, image_input
from ckssd.detect.scores import Scores
from ckssd.errors import InputError
from ckssd.tflite.activation import class_activation
from ckssd.tflite.model import CutModel, TFLiteModel, cut_model
from ckssd.tflite.normalization import stated_normalization


class LiteRTDetector:
    """A detection model, loaded and ready.

    Parameters
    ----------
    model
        A model with TFLite_Detection_PostProcess and one input [1, height, width, 3].
    threads
        For the convolutions; at least 1.
    cut
        The model cut in two, where several detectors share one.
    scores
        How its class outputs become scores (default: they are).
    others
        The postprocessing parts of models with other options, which run on the same outputs.

    Raises
    ------
    InputError
        If the model has other inputs, lacks the operator, or LiteRT refuses it.
    """

    def __init__(
        self,
        model: TFLiteModel,
        threads: int = 1,
        cut: CutModel | None = None,
        scores: Scores | None = None,
        others: Sequence[bytes] = (),
    ) -> None:
        network_input(model)
        cut = cut or cut_model(model)
        scores = scores or Scores(model.path, class_activation(model))
        try:
            self._convolutions = loaded(cut.convolutions, threads)
            self._operators = [_Operator(part, scores) for part in (cut.postprocess, *others)]
        except (RuntimeError, ValueError) as error:
            raise InputError("LiteRT refuses the model", where=model.path, got=str(error)) from error
        self._input = int(self._convolutions.get_input_details()[0]["index"])
        self._outputs = _indices(self._convolutions.get_output_details())

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3], normalised as the model wants it."""
        self._convolutions.set_tensor(self._input, image)
        self._convolutions.invoke()
        with lap(POSTPROCESSING):
            first, *others = (one.run(self._convolutions, self._outputs) for one in self._operators)
        return dataclasses.replace(first, others=tuple(others)) if others else first


class _Operator:
    """The postprocessing operator in an interpreter of one thread."""

    def __init__(self, content: bytes, scores: Scores) -> None:
        self._interpreter = loaded(content, 1)
        self._scores = scores
        self._inputs = _indices(self._interpreter.get_input_details())
        self._outputs = _indices(self._interpreter.get_output_details())

    def run(self, network: Interpreter, sources: Sequence[int]) -> Detections:
        """Detections of the network's outputs, tensors ``sources``."""
        for source, target in zip(sources, self._inputs, strict=True):
            # Views are dropped at once: LiteRT does not run while one is alive.
            np.copyto(self._interpreter.tensor(target)(), network.tensor(source)())
        if not self._scores.as_they_are:
            self._score()
        self._interpreter.invoke()
        boxes, classes, scores, count = (self._interpreter.get_tensor(index) for index in self._outputs)
        return from_outputs(boxes, classes, scores, count)

    def _score(self) -> None:
        """Turn the class outputs, the second of the inputs, into scores."""
        classes = self._interpreter.tensor(self._inputs[1])()
        if classes.dtype == np.float32:  # else the operator itself makes numbers of its quantised steps
            np.copyto(classes, self._scores.of(classes))


def network_input(model: TFLiteModel, *, normalize: bool = True) -> NetworkInput:
    """What the model's one image input is fed; ``normalize`` False feeds a float model 0 to 255.

    Else a float model is fed what its metadata state, or -1 to 1 where they state nothing.

    Raises
    ------
    InputError
        If the model has another input, or its metadata ask for what cannot be done.
    """
    fed = image_input(model, normalize=normalize)
    stated = stated_normalization(model) if fed.dtype == "float32" and normalize else None
    if stated is None:
        return fed
    return NetworkInput(fed.width, fed.height, scale=1.0 / stated.std, offset=-stated.mean / stated.std)


def loaded(model: bytes, threads: int) -> Interpreter:
    """A TFLite model in an interpreter that is ready to run; RuntimeError or ValueError if LiteRT refuses."""
    with without_native_log():  # it says that it is about to use XNNPACK, as it always does
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


def _indices(details: list[dict[str, int]]) -> list[int]:
    return [int(detail["index"]) for detail in details]
