"""What runs a model: one backend for each runtime, all to the same protocol.

A backend reads a model's file, says what it is fed and what decides its detections, and makes detectors: one
with several threads for latency, several with one thread each for throughput. Its library is imported only
when a run asks for that runtime, because each has an environment of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ckssd.detect.choices import DEFAULT_RESIZE, ResizeMethod
from ckssd.detect.detections import Detections
from ckssd.detect.network_input import NetworkInput, Tensor
from ckssd.model.description import Model
from ckssd.tflite.options import PostProcessOptions


class Detector(Protocol):
    """A loaded model; used by one thread at a time."""

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3], fed as the backend's ``input`` says.

        Raises
        ------
        RuntimeError
            The runtime fails.
        """


@dataclass(frozen=True)
class PostProcessing:
    """What decides which boxes a model gives, read from the model where it says it.

    ``by``: what does it, with how many threads. ``scales_yxhw``: the box coder's.
    """

    by: str
    nms: str
    score_threshold: float
    iou_threshold: float
    max_detections: int
    detections_per_class: int
    max_classes_per_detection: int
    scales_yxhw: tuple[float, float, float, float]
    custom_settings: bool = False
    boxes: str = "clipped to the image"
    threads: int = 1

    @classmethod
    def from_options(cls, options: PostProcessOptions, *, by: str, custom_settings: bool) -> PostProcessing:
        """The same facts as TFLite's operator names them."""
        return cls(
            by=by,
            nms=options.nms,
            score_threshold=options.nms_score_threshold,
            iou_threshold=options.nms_iou_threshold,
            max_detections=options.max_detections,
            detections_per_class=options.detections_per_class,
            max_classes_per_detection=options.max_classes_per_detection,
            scales_yxhw=(options.y_scale, options.x_scale, options.h_scale, options.w_scale),
            custom_settings=custom_settings,
        )


class Backend(Protocol):
    """A model opened with one runtime.

    ``files``: all that make up the model, the main one first.
    ``precision``: element type of the arithmetic. ``libraries``: distributions whose versions decide the
    detections. ``notes``: what a person should know about this model with these settings; some are known only
    once a detector was loaded.
    ``num_classes``: real classes, without background.
    """

    files: tuple[Path, ...]
    input: NetworkInput
    num_classes: int
    postprocessing: PostProcessing
    precision: str
    libraries: tuple[str, ...]
    notes: tuple[str, ...]

    def new_detector(self, threads: int) -> Detector:
        """Load the model once more, with ``threads`` threads for the network itself."""


@runtime_checkable
class Sweepable(Protocol):
    """A backend whose thresholds can be others than its model's."""

    def swept(self, score_threshold: float, nms_ious: Sequence[float]) -> Backend:
        """The same model with this score threshold, run through NMS with several IoU thresholds.

        The kind of NMS stays. Its detectors give the detections of the first IoU threshold, with those of the
        others in ``Detections.others``, from one inference.

        Parameters
        ----------
        nms_ious
            At least one.

        Raises
        ------
        UsageError
            The runtime cannot do it.
        """


@dataclass(frozen=True)
class Feeding:
    """What a run does with images before a model sees them: resize method, and whether it keeps them."""

    resize: ResizeMethod = DEFAULT_RESIZE
    kept: bool = False


def open_backend(model: Model, feeding: Feeding | None = None) -> Backend:
    """Open a model with its runtime: the module here of the runtime's name has ``open_model``.

    Raises
    ------
    InputError, EnvironmentSetupError
        The model does not fit, or the runtime is not installed in this Python.
    UsageError
        The model cannot be fed so.
    """
    module = importlib.import_module(f"{__name__}.{model.runtime}")
    backend: Backend = module.open_model(model, feeding or Feeding())
    return backend
