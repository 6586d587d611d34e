"""TFLite models without the postprocessing operator, run by LiteRT; NMS is this project's own."""

from __future__ import annotations

from collections.abc import Sequence

from ckssd.detect.backends import PostProcessing
from ckssd.detect.litert import network_input
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.detect.own_nms import BY, OwnPostprocessing, check_outputs, files_of, own_postprocessing
from ckssd.detect.scores import scores_of
from ckssd.model.description import Model
from ckssd.tflite.activation import class_activation
from ckssd.tflite.model import read_model
from ckssd.tflite.precision import precision_of


class RawLiteRTBackend:
    """A graph that ends in box encodings and class predictions."""

    libraries = ("ai-edge-litert",)

    def __init__(self, model: Model, own: OwnPostprocessing | None = None) -> None:
        self._stated = model
        self._model = read_model(model.file, model.signature)
        self.input = network_input(self._model, normalize=model.normalize)
        scores = scores_of(model, class_activation(self._model))
        self._own = own or own_postprocessing(model, scores)
        options = self._own.options[0]
        check_outputs(self._model, self._own.anchors, options)
        self.files = files_of(model)
        self.notes = model.notes
        self.num_classes = options.num_classes
        self.precision = precision_of(self._model)
        self.postprocessing = PostProcessing.from_options(
            options, by=BY + scores.describe(), custom_settings=model.custom is not None
        )

    def new_detector(self, threads: int) -> RawLiteRTDetector:
        """One more interpreter; anchors are shared."""
        return RawLiteRTDetector(self._model, self._own, threads)

    def swept(self, score_threshold: float, nms_ious: Sequence[float]) -> RawLiteRTBackend:
        """See Sweepable."""
        return RawLiteRTBackend(self._stated, self._own.with_thresholds(score_threshold, tuple(nms_ious)))
