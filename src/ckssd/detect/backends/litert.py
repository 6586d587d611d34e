"""TFLite models run by LiteRT: with TFLite's own postprocessing operator, or without it (litert_raw)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ckssd.detect.backends import Feeding, PostProcessing
from ckssd.detect.backends.litert_raw import open_raw
from ckssd.detect.backends.raw import RawBackend
from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.detect.network_input import keeping_aspect
from ckssd.detect.scores import scores_of
from ckssd.model.description import Model
from ckssd.tflite.activation import class_activation
from ckssd.tflite.model import (
    POSTPROCESS,
    TFLiteModel,
    cut_model,
    detection_options,
    read_model,
    with_options,
)
from ckssd.tflite.options import PostProcessOptions
from ckssd.tflite.precision import precision_of


class LiteRTBackend:
    """A TFLite model with TFLite_Detection_PostProcess."""

    libraries = ("ai-edge-litert",)

    def __init__(self, model: Model, file: TFLiteModel, others: Sequence[TFLiteModel] = ()) -> None:
        options = detection_options(file)
        self._model, self._options = model, options
        self._scores = scores_of(model, class_activation(file))
        self.files = (model.file,)
        self.input = keeping_aspect(network_input(file, normalize=model.normalize), model.file)
        self.num_classes = options.num_classes
        self.postprocessing = PostProcessing.from_options(
            options, by=POSTPROCESS + self._scores.describe(), custom_settings=model.custom is not None
        )
        self.precision = precision_of(file)
        self.notes = (*model.notes, *_notes(model, options))
        self._file = file
        self._cut = cut_model(file)
        self._others = [cut_model(other).postprocess for other in others]

    def new_detector(self, threads: int) -> LiteRTDetector:
        """One more pair of interpreters; see LiteRTDetector."""
        return LiteRTDetector(self._file, threads, self._cut, self._scores, self._others)

    def swept(self, score_threshold: float, nms_ious: Sequence[float]) -> LiteRTBackend:
        """See Sweepable: TFLite's own operator, told other options."""
        lowered = dataclasses.replace(self._options, nms_score_threshold=score_threshold)
        first, *others = (
            with_options(self._file, dataclasses.replace(lowered, nms_iou_threshold=iou)) for iou in nms_ious
        )
        return LiteRTBackend(self._model, first, others)


def open_model(model: Model, _: Feeding) -> LiteRTBackend | RawBackend:
    """Read a model, with its custom settings put in; NMS is this project's where it has none.

    Raises
    ------
    InputError, UsageError
        The file is no detection model, or what was stated does not fit it.
    """
    if model.nms == "none":
        return open_raw(model)
    file = read_model(model.file, model.signature)
    options = detection_options(file)
    if model.custom is not None:
        file = with_options(file, model.custom.apply(options))
    return LiteRTBackend(model, file)


def _notes(model: Model, options: PostProcessOptions) -> tuple[str, ...]:
    if model.custom is not None or options.nms == model.nms:
        return ()
    return (f"USE_NMS={model.nms}, but the graph {model.file.name} was exported with {options.nms} NMS",)
