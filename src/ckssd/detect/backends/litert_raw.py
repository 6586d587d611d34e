"""TFLite models without the postprocessing operator, run by LiteRT; NMS is this project's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ckssd.detect.backends import PostProcessing
from ckssd.detect.boxes import read_anchors
from ckssd.detect.litert import network_input
from ckssd.detect.litert_raw import RawLiteRTDetector, check_outputs
from ckssd.detect.scores import scores_of
from ckssd.errors import UsageError
from ckssd.model.description import Model
from ckssd.tflite.model import read_model
from ckssd.tflite.options import PostProcessOptions
from ckssd.tflite.precision import precision_of


class RawLiteRTBackend:
    """A graph that ends in box encodings and class predictions."""

    libraries = ("ai-edge-litert",)

    def __init__(self, model: Model, swept: Sequence[PostProcessOptions] = ()) -> None:
        if model.own_nms is None:
            raise UsageError("own_nms is not set", advice="a graph without NMS needs anchors and options")
        anchors = Path(model.own_nms.anchors)
        self.files = (model.file, anchors)  # a graph with the operator has its anchors in it
        self.notes = model.notes
        self._stated = model
        self._options, *self._others = swept or (model.own_nms.options,)
        self._anchors = read_anchors(anchors)
        self._model = read_model(model.file, model.signature)
        self.input = network_input(self._model, normalize=model.normalize)
        check_outputs(self._model, self._anchors, self._options)
        self._scores = scores_of(model, self._model)
        self.num_classes = self._options.num_classes
        self.precision = precision_of(self._model)
        self.postprocessing = PostProcessing.from_options(
            self._options,
            by=f"ckssd.detect.nms (NumPy){self._scores.describe()}",
            custom_settings=model.custom is not None,
        )

    def new_detector(self, threads: int) -> RawLiteRTDetector:
        """One more interpreter; anchors are shared."""
        return RawLiteRTDetector(
            self._model, self._anchors, self._options, threads, self._scores, self._others
        )

    def swept(self, score_threshold: float, nms_ious: Sequence[float]) -> RawLiteRTBackend:
        """See Sweepable."""
        lowered = dataclasses.replace(self._options, nms_score_threshold=score_threshold)
        options = [dataclasses.replace(lowered, nms_iou_threshold=iou) for iou in nms_ious]
        return RawLiteRTBackend(self._stated, options)
