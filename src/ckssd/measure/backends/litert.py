"""TFLite models run by LiteRT, with TFLite's own postprocessing operator."""

from __future__ import annotations

from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.measure.backends import PostProcessing
from ckssd.measure.settings import BenchmarkSettings
from ckssd.tflite.model import TFLiteModel, cut_model, detection_options, read_model, with_options
from ckssd.tflite.options import PostProcessOptions


class LiteRTBackend:
    """A TFLite model with TFLite_Detection_PostProcess."""

    libraries = ("ai-edge-litert",)

    def __init__(self, settings: BenchmarkSettings, model: TFLiteModel) -> None:
        options = detection_options(model)
        self.input = network_input(model, normalize=settings.normalize)
        self.num_classes = options.num_classes
        self.postprocessing = _postprocessing(options, custom_settings=settings.custom is not None)
        self.precision = self.input.dtype
        self.notes = _notes(settings, options)
        self._model = model
        self._cut = cut_model(model)

    def new_detector(self, threads: int) -> LiteRTDetector:
        """One more pair of interpreters; see LiteRTDetector."""
        return LiteRTDetector(self._model, threads, self._cut)


def open_model(settings: BenchmarkSettings) -> LiteRTBackend:
    """Read the model of a run, with its custom settings put in.

    Raises
    ------
    InputError, UsageError
        The file is no detection model, or the custom settings do not fit it.
    """
    model = read_model(settings.model)
    options = detection_options(model)
    if settings.custom is not None:
        model = with_options(model, settings.custom.apply(options))
    return LiteRTBackend(settings, model)


def _postprocessing(options: PostProcessOptions, *, custom_settings: bool) -> PostProcessing:
    return PostProcessing(
        by="TFLite_Detection_PostProcess",
        nms=options.nms,
        score_threshold=options.nms_score_threshold,
        iou_threshold=options.nms_iou_threshold,
        max_detections=options.max_detections,
        detections_per_class=options.detections_per_class,
        max_classes_per_detection=options.max_classes_per_detection,
        scales_yxhw=(options.y_scale, options.x_scale, options.h_scale, options.w_scale),
        custom_settings=custom_settings,
    )


def _notes(settings: BenchmarkSettings, options: PostProcessOptions) -> tuple[str, ...]:
    if settings.custom is not None or options.nms == settings.nms:
        return ()
    return (
        f"USE_NMS={settings.nms}, but the graph {settings.model.name} was exported with {options.nms} NMS",
    )
