"""The operating point of a model: one pass over a data set, then every threshold from its detections.

NMS goes from the best score on, so a run with a higher score threshold gives those detections of a run with a
lower one that reach it. So the pass is made with the lowest; and where several IoU thresholds of NMS are
asked for, NMS runs with each on the outputs of the same inference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.coco.evaluators import check_known
from ckssd.coco.matching import Matches, match
from ckssd.coco.metric_types import COCO, check_objects
from ckssd.coco.operating import Point, points
from ckssd.coco.results import Rows, check_images, notes_on, read_results
from ckssd.coco.truth import GroundTruth, read_truth
from ckssd.coco.written import of
from ckssd.detect.backends import Backend, PostProcessing, Sweepable
from ckssd.errors import InputError, UsageError
from ckssd.measure.detected import DetectedImages
from ckssd.measure.opened import open_run
from ckssd.measure.run import detect_opened
from ckssd.measure.settings import BenchmarkSettings

SCORE_TOLERANCE = 1e-3  # what a tool's rounding may add to a score of 1


@dataclass(frozen=True)
class Grid:
    """What is swept: score thresholds and IoU thresholds of NMS, both rising; and ``iou``, from which on a
    box is right. ``nms_ious`` None: the model's own. ``stated``: whether the score thresholds were asked for,
    or are the default, of which a model that starts higher leaves some out.
    """

    score_thresholds: tuple[float, ...]
    nms_ious: tuple[float, ...] | None = None
    iou: float = 0.5
    stated: bool = True


def grid_from(mapping: dict[str, Any]) -> Grid:
    """A Grid from JSON, of ``dataclasses.asdict``."""
    ious = mapping["nms_ious"]
    return Grid(
        tuple(mapping["score_thresholds"]),
        None if ious is None else tuple(ious),
        mapping["iou"],
        mapping["stated"],
    )


@dataclass(frozen=True)
class Swept:
    """All points of a sweep, those of all classes first for each NMS IoU; ``run``: what decided them."""

    points: tuple[Point, ...]
    iou: float
    images: int
    run: dict[str, Any]
    notes: tuple[str, ...]

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any]) -> Swept:
        """The same from JSON, of ``dataclasses.asdict``."""
        made = tuple(Point(**point) for point in mapping["points"])
        return cls(made, mapping["iou"], mapping["images"], mapping["run"], tuple(mapping["notes"]))


def sweep_model(settings: BenchmarkSettings, grid: Grid) -> Swept:
    """Run a model once over a data set and compute the points of a grid.

    Raises
    ------
    UsageError
        The runtime cannot run with the lowest score threshold, or with another IoU threshold of NMS; or
        another metric than COCO's is asked for, by whose rule right and wrong detections are told apart.
    CkssdError
        As ckssd.measure.run.run_benchmark does.
    """
    settings.refuse_parts("A sweep")
    if settings.metric != COCO:
        raise UsageError(
            "A sweep matches detections with objects by COCO's rule only",
            where="CK_METRIC_TYPE",
            expected=COCO,
            got=settings.metric,
        )
    opened = open_run(settings)
    own = opened.backend.postprocessing
    grid, ious, backend = for_grid(opened.backend, grid)
    found = detect_opened(settings, dataclasses.replace(opened, backend=backend), others=len(ious) - 1)
    passed = Pass(
        model=settings.model.file,
        runtime=settings.model.runtime,
        own=own,
        pass_score_threshold=backend.postprocessing.score_threshold,
        labels=found.labels,
        class_map=found.class_map.describe(),
        threads=settings.threads,
        images_per_second=found.times.images_per_second,
    )
    kept = dict(zip(ious, (found.detections, *found.detections.others), strict=True))
    return points_of(passed, kept, opened.annotations.truth, grid, found.notes)


def for_grid(backend: Backend, grid: Grid) -> tuple[Grid, tuple[float, ...], Backend]:
    """The grid that a backend can have, its IoU thresholds of NMS, and the backend of its one pass.

    Raises
    ------
    UsageError
        The runtime cannot run with the lowest score threshold, or with another IoU threshold of NMS.
    """
    grid = reachable(grid, backend)
    ious = grid.nms_ious or (backend.postprocessing.iou_threshold,)
    if grid.nms_ious or isinstance(backend, Sweepable):
        backend = _sweepable(backend).swept(grid.score_thresholds[0], ious)
    return grid, ious, backend


@dataclass(frozen=True)
class Pass:
    """The one pass of a sweep; ``own``: the postprocessing of the model without a sweep."""

    model: Path
    runtime: str
    own: PostProcessing
    pass_score_threshold: float
    labels: str
    class_map: str
    threads: int
    images_per_second: float


def points_of(
    passed: Pass,
    kept: Mapping[float, DetectedImages],
    truth: GroundTruth,
    grid: Grid,
    notes: Sequence[str],
) -> Swept:
    """The points of a pass; ``kept``: its detections for each IoU threshold of NMS."""
    made: list[Point] = []
    for iou, detections in kept.items():
        matches = match(truth, detections.rows(), detections.image_ids, grid.iou)
        made += points(matches, grid.score_thresholds, _names(truth), iou)
    first, own = next(iter(kept.values())), passed.own
    run = {
        "model": str(passed.model),
        "runtime": passed.runtime,
        "nms": own.nms,
        "postprocessing": own.by,
        "own_score_threshold": own.score_threshold,
        "own_nms_iou": own.iou_threshold,
        "pass_score_threshold": passed.pass_score_threshold,
        "max_detections": own.max_detections,
        "labels": passed.labels,
        "class_map": passed.class_map,
        "detections_sha256": first.sha256(),
        "threads": passed.threads,
        "images_per_second": passed.images_per_second,
    }
    limits = _on_limits(own.max_detections, list(kept.values()), grid)
    told = (*limits, *_on_difficult(truth), *notes)
    return Swept(tuple(made), grid.iou, len(first.image_ids), run, told)


def reachable(grid: Grid, backend: Backend) -> Grid:
    """The grid for a backend that cannot go below its model's own score threshold, and so needs no change."""
    own = backend.postprocessing.score_threshold
    below = [one for one in grid.score_thresholds if np.float32(one) < np.float32(own)]
    if isinstance(backend, Sweepable) or not below:
        return grid
    left = grid.score_thresholds[len(below) :]
    if grid.stated or not left:
        raise UsageError(
            "--score-threshold begins below the model's own, which is inside its graph",
            where=backend.files[0],
            expected=f"{own:g} or more",
            got=f"{below[0]:g}",
            advice="export the model with a lower score_threshold, or take its TFLite file",
        )
    return dataclasses.replace(grid, score_thresholds=left)


def _sweepable(backend: Backend) -> Sweepable:
    if not isinstance(backend, Sweepable):
        raise UsageError(
            "The NMS inside a frozen graph cannot be swept",
            where=backend.files[0],
            advice="leave --nms-iou out, or take the TFLite model",
        )
    return backend


def sweep_files(annotations: Path, detections: Path, grid: Grid, image_ids: Sequence[int] | None) -> Swept:
    """Compute the points of a grid from a COCO results file; ``image_ids``: the images that were run (all).

    Raises
    ------
    InputError
        A file is not what it should be, or they do not fit each other.
    """
    truth = read_truth(annotations)
    every = truth.image_ids.tolist()
    used = every if image_ids is None else list(image_ids)
    check_known(every, used, annotations)
    check_objects(truth, annotations, used)
    rows = read_results(detections)
    check_images(rows, used)
    _check_scores(rows, detections)
    matches = match(truth, rows, used, grid.iou)
    made = points(matches, grid.score_thresholds, _names(truth))
    noted = (*truth.notes, *notes_on(detections), *_on_difficult(truth))
    notes = (*noted, *_on_rows(rows, matches, used, grid))
    run = {"annotations": str(annotations), "detections": str(detections)}
    return Swept(tuple(made), grid.iou, matches.images, run, notes)


def _check_scores(rows: Rows, path: Path) -> None:
    """Raise an InputError for scores that thresholds from 0 to 1 say nothing about: percents, or logits."""
    low, high = (rows[:, 5].min(), rows[:, 5].max()) if len(rows) else (0.0, 1.0)
    if low < 0 or high > 1 + SCORE_TOLERANCE:
        raise InputError(
            "The detections' scores are none that can be swept",
            where=path,
            expected="numbers from 0 to 1",
            got=f"{low:.4g} to {high:.4g}",
        )


def _names(truth: GroundTruth) -> dict[int, str]:
    return dict(zip(truth.category_ids.tolist(), truth.category_names, strict=True))


def _on_limits(limit: int, every: Sequence[DetectedImages], grid: Grid) -> list[str]:
    lowest = [score for one in every for score in one.lowest_scores(limit)]
    lacking = [one for one in grid.score_thresholds if lowest and one < max(lowest)]
    if not lacking:
        return []
    return [
        f"NMS gives {limit} detections of an image at most, and some images had more: points up to threshold"
        f" {lacking[-1]:g} are those of a model with this limit"
    ]


def _on_difficult(truth: GroundTruth) -> list[str]:
    marked = int(truth.difficult.sum())
    return [f"{of(marked, 'object')} marked difficult or ignore count as any other"] if marked else []


def _on_rows(rows: Rows, matches: Matches, images: Sequence[int], grid: Grid) -> list[str]:
    """What a results file cannot say of itself, and may be wrong with it."""
    notes = []
    if matches.strangers:
        notes.append(f"{of(matches.strangers, 'detection')} of categories that are not in the annotations")
    empty = len(set(images).difference(rows[:, 0].astype(np.int64).tolist()))
    if empty and len(rows):
        notes.append(f"{of(empty, 'image')} without detections count as run (--images names those that were)")
    lowest = rows[:, 5].min() if len(rows) else 1.0
    if len([one for one in grid.score_thresholds if one <= lowest]) > 1:
        notes.append(f"no detection has a score below {lowest:.4g}: lower thresholds change nothing")
    return notes
