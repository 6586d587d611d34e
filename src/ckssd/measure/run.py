"""One benchmark run: every image of a data set through a detector, then the metrics.

All that can be wrong with what was given (settings, labels, annotations, missing files) is found before the
first image is run; what shows later (an image that cannot be decoded, a wrong size) ends the run too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ckssd import report
from ckssd.coco.annotations import Annotations, ImageEntry, check_size, read_annotations
from ckssd.detect.detections import to_coco
from ckssd.detect.images import read_image
from ckssd.detect.labels import ClassMap, map_classes, read_labels
from ckssd.detect.network_input import NetworkInput
from ckssd.detect.resize import resize
from ckssd.errors import UsageError
from ckssd.measure.backends import Backend, Detector, open_backend
from ckssd.measure.description import describe
from ckssd.measure.evaluation import run_metrics
from ckssd.measure.result import BenchmarkResult, Times
from ckssd.measure.selection import Selection, check_files, select_images
from ckssd.measure.settings import BenchmarkSettings


@dataclass(frozen=True)
class DetectedSet:
    """A data set's images after detection, before metrics. ``detections`` are COCO results."""

    backend: Backend
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
        settings=describe(settings, found.backend, found.class_map, found.selection, metrics),
        notes=found.notes,
        detections=found.detections,
        published=settings.published,
    )


def detect_data_set(settings: BenchmarkSettings) -> DetectedSet:
    """Detect in a data set's images; raises as run_benchmark does."""
    annotations = read_annotations(settings.annotations)
    selection = select_images(annotations, settings.skip_images, settings.batch_count)
    check_files(settings.images, selection.images)

    started = time.perf_counter()
    backend = open_backend(settings)
    detector = backend.new_detector(settings.threads)
    setup = time.perf_counter() - started

    _check_input_size(settings, backend.input)
    class_map = _class_map(settings, annotations, backend.num_classes)
    detections, times = _run_images(
        settings, annotations, selection.images, (backend.input, detector), class_map, setup
    )
    notes = (*selection.notes, *_notes_on_classes(class_map), *backend.notes)
    return DetectedSet(backend, class_map, selection, times, notes, detections)


def _run_images(
    settings: BenchmarkSettings,
    annotations: Annotations,
    images: Sequence[ImageEntry],
    runner: tuple[NetworkInput, Detector],
    class_map: ClassMap,
    setup: float,
) -> tuple[list[dict[str, Any]], Times]:
    """Load and detect image after image; give COCO results, and the time of each step."""
    detections: list[dict[str, Any]] = []
    load_times, detect_times = [], []
    network, detector = runner
    begin = time.perf_counter()
    for image in report.progress(images, total=len(images), name="detecting", quiet=settings.silent):
        start = time.perf_counter()
        pixels = read_image(settings.images / image.file_name)
        check_size(annotations, image, pixels.shape[1], pixels.shape[0])
        tensor = network.feed(resize(pixels, network.width, network.height, settings.resize))
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


def _class_map(settings: BenchmarkSettings, annotations: Annotations, num_classes: int) -> ClassMap:
    return map_classes(
        read_labels(settings.labels),
        annotations.categories,
        num_classes=num_classes,
        offset=settings.label_offset,
        where=str(annotations.path),
    )


def _check_input_size(settings: BenchmarkSettings, network: NetworkInput) -> None:
    """The model's own input decides; a variable that says otherwise belongs to another model."""
    wanted = (settings.image_width or network.width, settings.image_height or network.height)
    if wanted != (network.width, network.height):
        raise UsageError(
            "The image size does not fit the model",
            where=f"IMAGE_WIDTH and IMAGE_HEIGHT for {settings.model}",
            expected=f"{network.width}x{network.height}",
            got=f"{wanted[0]}x{wanted[1]}",
        )


def _notes_on_classes(class_map: ClassMap) -> list[str]:
    if not class_map.ignored:
        return []
    return [f"{len(class_map.ignored)} of the model's classes are in no annotation and not evaluated"]
