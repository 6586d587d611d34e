"""One benchmark run: every image of a data set through a detector, then the metrics.

All that can be wrong with what was given (settings, labels, annotations, missing files) is found before the
first image is run; what shows later (an image that cannot be decoded, a wrong size) ends the run too.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd import report
from ckssd.coco.annotations import Annotations, ImageEntry, check_size, read_annotations
from ckssd.detect.detections import to_coco
from ckssd.detect.images import CHANNEL_ORDER, read_image
from ckssd.detect.labels import ClassMap, map_classes, read_labels
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.resize import DESCRIPTIONS, network_input
from ckssd.errors import InputError, UsageError
from ckssd.measure.evaluation import run_metrics
from ckssd.measure.machine import describe_machine, file_sha256, library_versions
from ckssd.measure.result import BenchmarkResult, RunSettings, Times
from ckssd.measure.settings import BenchmarkSettings
from ckssd.tflite.model import TFLiteModel, detection_options, read_model, with_options


@dataclass(frozen=True)
class Selection:
    """The images of a run, in order of id, and what had to be changed about the wish."""

    images: tuple[ImageEntry, ...]
    available: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DetectedSet:
    """A data set's images after detection, before metrics. ``detections`` are COCO results."""

    model: TFLiteModel
    detector: LiteRTDetector
    class_map: ClassMap
    selection: Selection
    times: Times
    notes: tuple[str, ...]
    detections: list[dict[str, Any]]


def run_benchmark(settings: BenchmarkSettings) -> BenchmarkResult:
    """Detect in a data set's images and compute the metrics.

    Raises
    ------
    UsageError, InputError, RunError
        One for each thing that can be wrong; the run has then left nothing behind.
    """
    found = detect_data_set(settings)
    if not settings.silent:
        report.step(f"computing COCO metrics with {settings.metrics_tool}")
    metrics = run_metrics(
        settings.metrics_python,
        settings.annotations,
        found.detections,
        [image.id for image in found.selection.images],
        settings.metrics_tool,
    )
    return BenchmarkResult(
        times=found.times,
        metrics=metrics,
        settings=_describe(settings, found, metrics),
        notes=found.notes,
        detections=found.detections,
        published=settings.published,
    )


def detect_data_set(settings: BenchmarkSettings) -> DetectedSet:
    """Detect in a data set's images; raises as run_benchmark does."""
    annotations = read_annotations(settings.annotations)
    selection = select_images(annotations, settings.skip_images, settings.batch_count)
    _check_files(settings.images, selection.images)

    started = time.perf_counter()
    model = _load_model(settings)
    detector = LiteRTDetector(model, settings.threads)
    setup = time.perf_counter() - started

    _check_input_size(settings, detector)
    class_map = _class_map(settings, annotations, model)
    detections, times = _run_images(settings, annotations, selection.images, detector, class_map, setup)
    notes = (*selection.notes, *_notes_on_classes(class_map), *_notes_on_nms(settings, model))
    return DetectedSet(model, detector, class_map, selection, times, notes, detections)


def select_images(annotations: Annotations, skip: int, count: int | None) -> Selection:
    """Leave out the first ``skip`` images, take ``count`` of the others, or all there are with a note.

    Raises
    ------
    UsageError
        If nothing is left.
    """
    available = len(annotations.images)
    if skip >= available:
        raise UsageError(
            "CK_SKIP_IMAGES leaves no image",
            where=annotations.path,
            expected=f"at most {available - 1}",
            got=skip,
        )
    left = available - skip
    notes: tuple[str, ...] = ()
    if count is not None and count > left:
        skipped = f" after skipping {skip}" if skip else ""
        notes = (f"CK_BATCH_COUNT lowered from {count} to {left}: the data set has no more images{skipped}",)
    return Selection(annotations.images[skip:][:count], available, notes)


def _run_images(
    settings: BenchmarkSettings,
    annotations: Annotations,
    images: Sequence[ImageEntry],
    detector: LiteRTDetector,
    class_map: ClassMap,
    setup: float,
) -> tuple[list[dict[str, Any]], Times]:
    """Load and detect image after image; give COCO results, and the time of each step."""
    detections: list[dict[str, Any]] = []
    load_times, detect_times = [], []
    begin = time.perf_counter()
    for image in report.progress(images, total=len(images), name="detecting", quiet=settings.silent):
        start = time.perf_counter()
        pixels = read_image(settings.images / image.file_name)
        check_size(annotations, image, pixels.shape[1], pixels.shape[0])
        tensor = network_input(
            pixels,
            detector.width,
            detector.height,
            method=settings.resize,
            dtype=detector.dtype,
            normalized=settings.normalize,
        )
        loaded = time.perf_counter()
        found = detector.detect(tensor)
        detected = time.perf_counter()
        load_times.append(loaded - start)
        detect_times.append(detected - loaded)
        detections += to_coco(
            found,
            image_id=image.id,
            width=image.width,
            height=image.height,
            category_ids=class_map.category_ids,
        )
        if settings.verbose:
            report.say(f"{image.file_name}: {len(found)} detections in {detected - loaded:.6f}s")
    wall = time.perf_counter() - begin
    return detections, Times(setup, tuple(load_times), tuple(detect_times), wall)


def _load_model(settings: BenchmarkSettings) -> TFLiteModel:
    model = read_model(settings.model)
    options = detection_options(model)
    if settings.custom is None:
        return model
    return with_options(model, settings.custom.apply(options))


def _class_map(settings: BenchmarkSettings, annotations: Annotations, model: TFLiteModel) -> ClassMap:
    return map_classes(
        read_labels(settings.labels),
        annotations.categories,
        num_classes=detection_options(model).num_classes,
        offset=settings.label_offset,
        where=str(annotations.path),
    )


def _check_files(folder: Path, images: Sequence[ImageEntry]) -> None:
    """A missing image should not wait for its turn."""
    for image in images:
        path = folder / image.file_name
        if not path.is_file():
            raise InputError("The image is missing", where=path, advice="the annotations name it")


def _check_input_size(settings: BenchmarkSettings, detector: LiteRTDetector) -> None:
    """The model's own input decides; a variable that says otherwise belongs to another model."""
    wanted = (settings.image_width or detector.width, settings.image_height or detector.height)
    if wanted != (detector.width, detector.height):
        raise UsageError(
            "The image size does not fit the model",
            where=f"IMAGE_WIDTH and IMAGE_HEIGHT for {settings.model}",
            expected=f"{detector.width}x{detector.height}",
            got=f"{wanted[0]}x{wanted[1]}",
        )


def _notes_on_classes(class_map: ClassMap) -> list[str]:
    if not class_map.ignored:
        return []
    return [f"{len(class_map.ignored)} of the model's classes are in no annotation and not evaluated"]


def _notes_on_nms(settings: BenchmarkSettings, model: TFLiteModel) -> list[str]:
    options = detection_options(model)
    if settings.custom is not None or options.nms == settings.nms:
        return []
    return [f"USE_NMS={settings.nms}, but the graph {model.path.name} was exported with {options.nms} NMS"]


def _describe(settings: BenchmarkSettings, found: DetectedSet, metrics: dict[str, Any]) -> RunSettings:
    options = dataclasses.asdict(detection_options(found.model))
    selection = found.selection
    return RunSettings(
        nms="regular" if options["use_regular_nms"] else "fast",
        score_threshold=options["nms_score_threshold"],
        iou_threshold=options["nms_iou_threshold"],
        max_detections=options["max_detections"],
        detections_per_class=options["detections_per_class"],
        max_classes_per_detection=options["max_classes_per_detection"],
        scales_yxhw=(options["y_scale"], options["x_scale"], options["h_scale"], options["w_scale"]),
        custom_settings=settings.custom is not None,
        boxes="clipped to the image",
        resize=DESCRIPTIONS[settings.resize],
        resize_method=settings.resize,
        input_size=(found.detector.width, found.detector.height),
        channel_order=CHANNEL_ORDER,
        normalisation=_normalisation(settings, found.detector),
        class_map=found.class_map.describe(),
        threads=settings.threads,
        postprocess_threads=1,
        batch_size=settings.batch_size,
        images=len(selection.images),
        images_available=selection.available,
        images_skipped=settings.skip_images,
        image_order="in order of id",
        model_file=settings.model.name,
        model_name=settings.model_name,
        model_sha256=file_sha256(settings.model),
        model_bytes=settings.model.stat().st_size,
        dataset_type=settings.dataset_type,
        annotations_sha256=file_sha256(settings.annotations),
        metric=settings.metric,
        metrics_tool=settings.metrics_tool,
        versions={**library_versions(), str(metrics["tool"]): str(metrics["tool_version"])},
        machine=describe_machine(),
    )


def _normalisation(settings: BenchmarkSettings, detector: LiteRTDetector) -> str:
    if detector.dtype == "uint8":
        return "none (uint8 input)"
    return "[-1, 1]" if settings.normalize else "none (0 to 255)"
