"""One benchmark run: every image of a data set through a detector, then the metrics.

All that can be wrong with what was given (settings, labels, annotations, missing files) is found before the
first image is run; what shows later (an image that cannot be decoded, a wrong size) ends the run too.
"""

from __future__ import annotations

import time

from ckssd import report
from ckssd.coco.annotations import Annotations, read_annotations
from ckssd.detect.images import finds_damage
from ckssd.detect.labels import ClassMap, map_classes, read_labels
from ckssd.detect.network_input import NetworkInput
from ckssd.detect.preprocessed import ImageReader
from ckssd.errors import InputError, UsageError
from ckssd.measure.backends import open_backend
from ckssd.measure.description import describe
from ckssd.measure.detected import DetectedImages, DetectedSet
from ckssd.measure.evaluation import run_metrics
from ckssd.measure.images import Detected, Steps, Unreadable, Way, way_to_run
from ckssd.measure.machine import seconds_since_start
from ckssd.measure.result import BenchmarkResult, PeakMemory
from ckssd.measure.selection import Selection, check_files, select_images
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.times import Times
from ckssd.memory import peak_memory_mb


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
    metrics, metrics_memory = run_metrics(
        settings.metrics_python,
        settings.annotations,
        found.detections,
        settings.metrics_tool,
    )
    memory = PeakMemory(detecting=peak_memory_mb(), metrics=metrics_memory)
    return BenchmarkResult(
        times=found.times,
        metrics=metrics,
        settings=describe(settings, found, metrics, memory),
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
    way = way_to_run(settings.mode, settings.threads, backend.new_detector)
    setup = time.perf_counter() - started

    network = backend.input
    _check_input_size(settings, network)
    class_map = _class_map(settings, annotations, backend.num_classes)
    reader = ImageReader(network.width, network.height, settings.resize, settings.preprocessed_cache)
    steps = Steps(settings.images, annotations, reader, network, settings.model)
    run = _Run(settings, selection, DetectedImages(class_map.category_ids))
    run.all_images(way, steps)
    notes = (
        *selection.notes,
        *_notes_on_classes(class_map),
        *backend.notes,
        *run.notes(),
        *_notes_on_reading(reader),
    )
    return DetectedSet(backend, class_map, selection, run.times(setup), notes, run.detections, run.from_cache)


class _Run:
    """What is collected while the images go by."""

    def __init__(self, settings: BenchmarkSettings, selection: Selection, detections: DetectedImages) -> None:
        self.detections = detections
        self.from_cache = 0
        self._settings = settings
        self._images = selection.images
        self._faults: list[InputError] = []
        self._load: list[float] = []
        self._detect: list[float] = []
        self._startup = 0.0
        self._wall = 0.0
        self._processor = 0.0

    def all_images(self, way: Way, steps: Steps) -> None:
        """Run every image. One that cannot be read is said at once; the run fails when all are through."""
        began, used = time.perf_counter(), time.process_time()
        outcomes = way(steps, self._images)
        for outcome in report.progress(
            outcomes, total=len(self._images), name="detecting", quiet=self._settings.silent
        ):
            if isinstance(outcome, Unreadable):
                report.say(str(outcome.fault))
                self._faults.append(outcome.fault)
            else:
                self._take(outcome)
        self._wall, self._processor = time.perf_counter() - began, time.process_time() - used
        if self._faults and not (self._settings.skip_bad_images and self._detect):
            raise self._unreadable()

    def _take(self, outcome: Detected) -> None:
        if not self._detect:
            self._startup = seconds_since_start()
        self.detections.add(outcome.image, outcome.found)
        self._load.append(outcome.load)
        self._detect.append(outcome.detect)
        self.from_cache += outcome.from_cache
        if self._settings.verbose:
            report.say(f"{outcome.image.file_name}: {len(outcome.found)} detections in {outcome.detect:.6f}s")

    def times(self, setup: float) -> Times:
        """Of the images that were detected in."""
        return Times(
            setup, tuple(self._load), tuple(self._detect), self._wall, self._startup, self._processor
        )

    def notes(self) -> list[str]:
        """What a person should know about this run."""
        if not self._faults:
            return []
        return [
            f"{len(self._faults)} of {len(self._images)} images cannot be read and were left out"
            " (CK_SKIP_BAD_IMAGES=yes)"
        ]

    def _unreadable(self) -> InputError:
        listed = [f"{fault.where} ({fault.got or fault.what})" for fault in self._faults[:3]]
        more = ", …" if len(self._faults) > len(listed) else ""
        return InputError(
            f"{len(self._faults)} of {len(self._images)} images cannot be read",
            where=", ".join(listed) + more,
            advice="replace them, or leave them out: CK_SKIP_BAD_IMAGES=yes",
        )


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


def _notes_on_reading(reader: ImageReader) -> list[str]:
    notes = []
    if not finds_damage():
        notes.append("JPEGs with damaged data were not looked for: Pillow decodes them (simplejpeg tells)")
    if reader.not_kept:
        reasons = ", ".join(sorted(set(reader.not_kept)))
        notes.append(f"{len(reader.not_kept)} resized images could not be kept for the next run ({reasons})")
    return notes
