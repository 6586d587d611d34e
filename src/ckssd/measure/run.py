"""One benchmark run: every image of a data set through a detector, then the metrics.

All that can be wrong with what was given is found before the first image is run, by ckssd.measure.opened;
what shows later (an image that cannot be decoded, a wrong size) ends the run too.
"""

from __future__ import annotations

import time

from ckssd import report
from ckssd.detect.images import finds_damage
from ckssd.detect.labels import ClassMap
from ckssd.detect.laps import LAPS
from ckssd.detect.orientation import NO_TURN
from ckssd.detect.preprocessed import ImageReader
from ckssd.errors import InputError
from ckssd.measure.description import describe_detected
from ckssd.measure.detected import DetectedImages, DetectedSet, Seen
from ckssd.measure.images import Detected, Steps, Unreadable, Way, way_to_run
from ckssd.measure.machine import seconds_since_start
from ckssd.measure.opened import OpenedRun, open_run
from ckssd.measure.result import BenchmarkResult
from ckssd.measure.scoring import Scoring, score
from ckssd.measure.selection import Selection
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
    scoring = Scoring(
        annotations=settings.annotations,
        python=settings.metrics_python,
        tool=settings.metrics_tool,
        choice=settings.metric_choice(),
        left_out=found.class_map.left_out,
        published=settings.published,
        silent=settings.silent,
    )
    run = describe_detected(settings, found)
    return score(scoring, run, found.times, found.notes, found.detections, peak_memory_mb)


def detect_data_set(settings: BenchmarkSettings) -> DetectedSet:
    """Detect in a data set's images; raises as run_benchmark does."""
    return detect_opened(settings, open_run(settings))


def detect_opened(
    settings: BenchmarkSettings, opened: OpenedRun, *, others: int = 0, way: Way | None = None
) -> DetectedSet:
    """The same with what was opened.

    Parameters
    ----------
    others
        How many other settings of NMS its backend runs with.
    way
        How the images are run; default: the settings' mode and threads decide, and detectors are loaded.
    """
    selection, backend, class_map = opened.selection, opened.backend, opened.class_map
    started = time.perf_counter()
    way = way or way_to_run(settings.mode, settings.threads, backend.new_detector)
    setup = opened.open_time + time.perf_counter() - started

    steps = Steps(settings.images, opened.annotations, opened.reader, backend.input, settings.model.file)
    run = _Run(settings, selection, DetectedImages(class_map.category_ids, class_map.names, others=others))
    run.all_images(way, steps)
    notes = (
        *selection.notes,
        *opened.labels.notes,
        *class_map.notes,
        *_notes_on_classes(class_map),
        *backend.notes,
        *_notes_on_reading(opened.reader),
    )
    return DetectedSet(
        backend,
        opened.labels.describe(),
        class_map,
        selection,
        run.times(setup),
        notes,
        run.detections,
        run.from_cache,
        run.seen(),
    )


class _Run:
    """What is collected while the images go by."""

    def __init__(self, settings: BenchmarkSettings, selection: Selection, detections: DetectedImages) -> None:
        self.detections = detections
        self.from_cache = 0
        self._unreadable: list[int] = []
        self._settings = settings
        self._images = selection.images
        self._faults: list[InputError] = []
        self._tags: list[int] = []
        self._load: list[float] = []
        self._detect: list[float] = []
        self._laps: dict[str, list[float]] = {name: [] for name in LAPS}
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
                self._unreadable.append(outcome.image.id)
            else:
                self._take(outcome)
        self._wall, self._processor = time.perf_counter() - began, time.process_time() - used
        if self._faults and not (self._settings.skip_bad_images and self._detect):
            raise self._cannot_be_read()

    def _take(self, outcome: Detected) -> None:
        if not self._detect:
            self._startup = seconds_since_start()
        self.detections.add(outcome.image, outcome.found)
        self._load.append(outcome.load)
        self._detect.append(outcome.detect)
        for name, seconds in self._laps.items():
            seconds.append(outcome.laps.get(name, 0.0))
        self.from_cache += outcome.from_cache
        if outcome.tag != NO_TURN:
            self._tags.append(outcome.tag)
        if self._settings.verbose:
            report.say(f"{outcome.image.file_name}: {len(outcome.found)} detections in {outcome.detect:.6f}s")

    def times(self, setup: float) -> Times:
        """Of the images that were detected in."""
        parts = {name: tuple(seconds) for name, seconds in self._laps.items() if any(seconds)}
        return Times(
            setup, tuple(self._load), tuple(self._detect), self._wall, self._startup, self._processor, parts
        )

    def seen(self) -> Seen:
        """What a person should know about the images."""
        orientation = self._settings.orientation
        return Seen(len(self._images), tuple(self._unreadable), tuple(self._tags), orientation)

    def _cannot_be_read(self) -> InputError:
        listed = [f"{fault.where} ({fault.got or fault.what})" for fault in self._faults[:3]]
        more = ", …" if len(self._faults) > len(listed) else ""
        return InputError(
            f"{len(self._faults)} of {len(self._images)} images cannot be read",
            where=", ".join(listed) + more,
            advice="replace them, or leave them out: CK_SKIP_BAD_IMAGES=yes",
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
