"""From the detections of a whole run to its result: the metrics, and what they depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd import report
from ckssd.coco.metric_types import COCO, TITLES, MetricChoice
from ckssd.coco.metrics import DEFAULT_TOOL
from ckssd.measure.detected import DetectedImages
from ckssd.measure.evaluation import run_metrics
from ckssd.measure.published import Published
from ckssd.measure.result import BenchmarkResult, PeakMemory, RunSettings
from ckssd.measure.times import Times


@dataclass(frozen=True)
class Scoring:
    """How detections are measured; ``python`` has the tools; ``left_out``: as in ClassMap."""

    annotations: Path
    python: Path
    tool: str = DEFAULT_TOOL
    choice: MetricChoice = field(default_factory=MetricChoice)
    left_out: Sequence[str] = ()
    published: Published | None = None
    silent: bool = False


def score(
    scoring: Scoring,
    run: RunSettings,
    times: Times,
    notes: Sequence[str],
    detections: DetectedImages,
    memory: Callable[[], float],
) -> BenchmarkResult:
    """Compute the metrics of all detections of a run.

    Parameters
    ----------
    run
        What decided the detections.
    memory
        Gives the peak memory of what detected, in MiB; asked when all is done.

    Raises
    ------
    InputError, RunError
        As ckssd.measure.evaluation.run_metrics does.
    """
    choice = scoring.choice
    if not scoring.silent:
        by = f"COCO metrics with {scoring.tool}" if choice.name == COCO else TITLES[choice.name]
        report.step(f"computing {by}")
    metrics, used = run_metrics(scoring.python, scoring.annotations, detections, scoring.tool, choice)
    per_class = metrics["per_class"]
    for name in scoring.left_out:
        if per_class.get(name) is None:  # with a hierarchy, it may have the objects of a narrower class
            per_class.pop(name, None)
    return BenchmarkResult(
        times=times,
        metrics=metrics,
        settings=run.measured(metrics, PeakMemory(detecting=memory(), metrics=used)),
        notes=(*notes, *metrics["metric_notes"], *_on_nothing_right(metrics)),
        detections=detections,
        published=scoring.published,
    )


def _on_nothing_right(metrics: Mapping[str, Any]) -> list[str]:
    """A note where mAP is 0: a model whose names are in another order looks like a bad one."""
    if metrics["mAP"] != 0:
        return []
    return [
        "nothing that is annotated was found. If ckssd detect --draw DIR shows good boxes with wrong names,"
        " the labels are in another order than the model's classes"
    ]
