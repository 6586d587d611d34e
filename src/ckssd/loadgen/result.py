"""What a run under LoadGen gives: its verdict and figures beside ours, accuracy, and every setting."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.annotations import ImageEntry
from ckssd.loadgen.accuracy import read_accuracy_log
from ckssd.loadgen.library import SampleLibrary
from ckssd.loadgen.logs import ACCURACY, Detail, Verdict
from ckssd.loadgen.measured import Measured
from ckssd.loadgen.plan import Plan
from ckssd.loadgen.rounds import Round
from ckssd.loadgen.settings import LOADED, LoadGenSettings
from ckssd.loadgen.system import Counts
from ckssd.measure.description import describe
from ckssd.measure.detected import DetectedImages, DetectedSet, Seen
from ckssd.measure.evaluation import run_metrics
from ckssd.measure.opened import OpenedRun
from ckssd.measure.result import PeakMemory, RunSettings, accuracy
from ckssd.measure.times import Times
from ckssd.memory import peak_memory_mb

NO_METRICS = {"tool": "none", "tool_version": ""}


@dataclass(frozen=True)
class Finished:
    """A test that LoadGen has ended."""

    opened: OpenedRun
    library: SampleLibrary
    times: Times
    counts: Counts
    measured: Measured
    plan: Plan
    rules: Round


@dataclass(frozen=True)
class LoadGenResult:
    """``metrics`` are those of ckssd.coco.metrics, of a run in accuracy mode; else None."""

    settings: RunSettings
    loadgen: dict[str, Any]
    verdict: Verdict
    times: Times
    metrics: dict[str, Any] | None
    detections: DetectedImages | None
    notes: tuple[str, ...]

    def as_timer(self) -> dict[str, Any]:
        """The content of tmp-ck-timer.json, from which CK takes a run's characteristics."""
        computed = {}
        if self.metrics is not None and self.detections is not None:
            computed = accuracy(self.metrics, self.detections)
        return {
            **self.times.as_timer(),
            "images": self.settings.images,
            **computed,
            "loadgen": {**self.loadgen, "verdict": self.verdict.as_dict()},
            "settings": self.settings.as_dict(),
            "notes": list(self.notes),
        }


def make_result(
    settings: LoadGenSettings, finished: Finished, detail: Detail, logs: Path, versions: dict[str, str]
) -> LoadGenResult:
    """Compute the metrics of an accuracy run, and describe the run.

    Raises
    ------
    CkssdError
        The accuracy log is not whole, or the metrics cannot be computed.
    """
    benchmark, opened = settings.benchmark, finished.opened
    found: DetectedImages | None = None
    metrics, memory = None, 0.0
    if settings.mode in ("AccuracyOnly", "SubmissionRun"):
        images = with_sizes(finished.library.images, finished.library.sizes)
        found = read_accuracy_log(logs / ACCURACY, images, opened.class_map.category_ids.values())
        metrics, memory = run_metrics(
            benchmark.metrics_python, benchmark.annotations, found, benchmark.metrics_tool
        )
    described = _described(settings, finished, found, metrics or NO_METRICS, memory, versions)
    return LoadGenResult(
        settings=described,
        loadgen=_facts(settings, finished),
        verdict=detail.verdict(),
        times=finished.times,
        metrics=metrics,
        detections=found,
        notes=_notes(settings, finished, metrics),
    )


def with_sizes(images: Sequence[ImageEntry], sizes: dict[int, tuple[int, int]]) -> list[ImageEntry]:
    """Images with the sizes that were read, by index of the sample."""
    found = []
    for index, image in enumerate(images):
        width, height = sizes.get(index, (image.width, image.height))
        found.append(dataclasses.replace(image, width=width, height=height))
    return found


def _described(
    settings: LoadGenSettings,
    finished: Finished,
    found: DetectedImages | None,
    metrics: dict[str, Any],
    memory: float,
    versions: dict[str, str],
) -> RunSettings:
    opened = finished.opened
    detected = DetectedSet(
        opened.backend,
        opened.labels.describe(),
        opened.class_map,
        opened.selection,
        finished.times,
        (),
        found or DetectedImages({}),
        0,
        Seen(len(finished.library)),
    )
    peak = PeakMemory(detecting=peak_memory_mb(), metrics=memory)
    described = describe(settings.benchmark, detected, metrics, peak)
    return dataclasses.replace(
        described,
        images=len(finished.library),
        images_unreadable=0,
        image_order="in the annotations file's order",
        preprocessed_cache="none" if settings.benchmark.preprocessed_cache is None else "used",
        versions={**{name: text for name, text in described.versions.items() if name != "none"}, **versions},
    )


def _facts(settings: LoadGenSettings, finished: Finished) -> dict[str, Any]:
    plan, counts = finished.plan, finished.counts
    return {
        "scenario": settings.scenario,
        "mode": settings.mode,
        "round": finished.rules.name,
        "audit": settings.audit,
        "samples": settings.samples,
        "samples_answered": counts.answered,
        "measured_latency_s": finished.measured.latency_s,
        "measured_images_per_second": finished.measured.rate,
        "user_conf": plan.user_conf,
        "settings": {name: plan.attributes[name] for name in sorted(plan.attributes)},
        "audit_config": plan.audit,
        "departures": list(plan.departures),
    }


def _notes(settings: LoadGenSettings, finished: Finished, metrics: dict[str, Any] | None) -> tuple[str, ...]:
    opened = finished.opened
    notes = [*opened.selection.notes, *opened.labels.notes, *opened.class_map.notes, *opened.backend.notes]
    notes += [] if metrics is None else metrics["metric_notes"]
    if settings.samples != LOADED:
        notes.append(
            "Images were decoded and resized when LoadGen asked for them, not before (CK_LOADGEN_SAMPLES)"
        )
    if settings.mode == "SubmissionRun":
        notes.append(
            "LoadGen ran for accuracy and for performance; our times are of both, its figures are not"
        )
    available = opened.selection.available
    if len(finished.library) < available:
        notes.append(
            f"The samples are {len(finished.library)} of {available} images: tools that count in the whole "
            "annotations file need images.json"
        )
    notes += finished.plan.notes
    if finished.plan.departures:
        notes.append(f"No result by {finished.rules.name}'s rules: {'; '.join(finished.plan.departures)}")
    return tuple(notes)
