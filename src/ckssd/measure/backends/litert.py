"""TFLite models run by LiteRT: with TFLite's own postprocessing operator, or without it (litert_raw)."""

from __future__ import annotations

from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.measure.backends import PostProcessing
from ckssd.measure.backends.litert_raw import RawLiteRTBackend
from ckssd.measure.settings import BenchmarkSettings
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

    def __init__(self, settings: BenchmarkSettings, model: TFLiteModel) -> None:
        options = detection_options(model)
        self.files = (settings.model,)
        self.input = network_input(model, normalize=settings.normalize)
        self.num_classes = options.num_classes
        self.postprocessing = PostProcessing.from_options(
            options, by=POSTPROCESS, custom_settings=settings.custom is not None
        )
        self.precision = precision_of(model)
        self.notes = _notes(settings, options)
        self._model = model
        self._cut = cut_model(model)

    def new_detector(self, threads: int) -> LiteRTDetector:
        """One more pair of interpreters; see LiteRTDetector."""
        return LiteRTDetector(self._model, threads, self._cut)


def open_model(settings: BenchmarkSettings) -> LiteRTBackend | RawLiteRTBackend:
    """Read the model of a run, with its custom settings put in; NMS is this project's where it has none.

    Raises
    ------
    InputError, UsageError
        The file is no detection model, or the custom settings do not fit it.
    """
    if settings.nms == "none":
        return RawLiteRTBackend(settings)
    model = read_model(settings.model)
    options = detection_options(model)
    if settings.custom is not None:
        model = with_options(model, settings.custom.apply(options))
    return LiteRTBackend(settings, model)


def _notes(settings: BenchmarkSettings, options: PostProcessOptions) -> tuple[str, ...]:
    if settings.custom is not None or options.nms == settings.nms:
        return ()
    return (
        f"USE_NMS={settings.nms}, but the graph {settings.model.name} was exported with {options.nms} NMS",
    )
