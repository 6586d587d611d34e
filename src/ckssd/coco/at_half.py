"""Pascal VOC's and Open Images' metrics of a data set: AP of each class at an IoU of 0.5, and their means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import ckssd
from ckssd.coco.class_boxes import (
    Boxes,
    Integers,
    best_first,
    detections_of,
    labels_with_others,
    note_on_copies,
    objects_of,
    of_verified,
    shared_groups,
    with_wider,
)
from ckssd.coco.hierarchy import fit_hierarchy
from ckssd.coco.metric_types import AT_HALF, COCO, MetricChoice, MetricType
from ckssd.coco.pascal import (
    Curve,
    Numbers,
    Objects,
    area_below,
    curve,
    eleven_points,
    match_best_first,
)
from ckssd.coco.results import Rows
from ckssd.coco.truth import GroundTruth
from ckssd.coco.written import of

HIGHEST_LAID_OUT = 1 << 20  # ids above it have no place of their own in the mean, see _mean


def evaluate_at_half(
    truth: GroundTruth, rows: Rows, image_ids: Sequence[int], choice: MetricChoice
) -> dict[str, Any]:
    """One of the metrics of ckssd.coco.metric_types.AT_HALF, on some of a data set's images.

    Parameters
    ----------
    rows
        float64 [N, 7] of these images, see ckssd.coco.results.

    Returns
    -------
    dict
        As of ckssd.coco.metrics.evaluate; ``recall`` is the mean over the classes of the recall of all
        detections; ``notes`` are those of the metric.

    Raises
    ------
    InputError
        The hierarchy's file is none, or is for other classes.
    """
    metric = AT_HALF[choice.name]
    objects, found = objects_of(truth, image_ids, choice.name), detections_of(truth, rows)
    notes = list(notes_on_metric(truth, choice.name))
    verified = truth.verified
    if choice.hierarchy is not None:
        hierarchy = fit_hierarchy(choice.hierarchy, truth)
        before = len(objects), len(found)
        objects, verified = with_wider(objects, hierarchy.wider), labels_with_others(verified, hierarchy)
        both = choice.expand == "both"
        found = with_wider(found, hierarchy.wider) if both else found
        more = len(objects) - before[0], len(found) - before[1]
        copies = note_on_copies(before[0], more[0], before[1] if both else None, more[1])
        notes += [*hierarchy.notes, copies]
    if metric.only_verified:
        found = of_verified(found, objects, verified)
    return {
        **_numbers(truth, _classes(truth.category_ids, objects, found, metric.group_weight), metric),
        "tool": "ckssd",
        "tool_version": ckssd.__version__,
        "images": len(image_ids),
        "detections": len(rows),
        "notes": notes,
    }


def notes_on_metric(truth: GroundTruth, metric: str) -> Iterator[str]:
    """What a metric makes of marks in the annotations, where it is not what they say."""
    difficult = int(truth.difficult.sum())
    if difficult and (metric == COCO or AT_HALF[metric].groups):
        name = "COCO's metrics" if metric == COCO else "Open Images' metrics"
        yield (
            f"{of(difficult, 'object')} marked difficult or ignore count as any other: {name} do not know"
            " the mark (CK_METRIC_TYPE=voc leaves them out)"
        )
    if metric in AT_HALF and AT_HALF[metric].only_verified and not len(truth.verified):
        yield (
            "no image has labels (pos_category_ids, neg_category_ids): detections of classes that an image"
            " has no box of do not count"
        )


@dataclass(frozen=True)
class _Class:
    """What the detections of a class count as, and its ``number`` of objects; no curve if that is 0."""

    scores: Numbers
    rights: Numbers
    number: float

    def curve(self) -> Curve | None:
        return curve(self.scores, self.rights, self.number) if self.number else None


def _classes(category_ids: Integers, objects: Boxes, found: Boxes, weight: float) -> list[_Class]:
    """One for each category, in the order of ``category_ids``."""
    found = best_first(found)
    scores, rights, categories = _counting(objects, found, weight)
    each = np.where(objects.group, weight, 1.0) * ~objects.ignored
    return [
        _Class(
            scores[categories == category],
            rights[categories == category],
            float(each[objects.categories == category].sum()),
        )
        for category in category_ids.tolist()
    ]


def _counting(objects: Boxes, found: Boxes, weight: float) -> tuple[Numbers, Numbers, Integers]:
    """Scores that count, each with what it counts as and its category; an image's groups come last in it."""
    rights, kept = np.zeros(len(found)), np.ones(len(found), np.bool_)
    extra: list[tuple[int, float]] = []
    for ours, theirs in shared_groups(found, objects):
        image = Objects(objects.corners[theirs], objects.ignored[theirs], objects.group[theirs])
        outcome = match_best_first(found.corners[ours], found.scores[ours], image)
        rights[ours], kept[ours] = outcome.right, ~outcome.left_out
        if weight > 0:
            extra += [(ours.stop, score) for score in outcome.groups.tolist()]
    ends = np.array([end for end, _ in extra], np.int64)
    places = np.concatenate([[0], np.cumsum(kept)])[ends]
    return (
        np.insert(found.scores[kept], places, [score for _, score in extra]),
        np.insert(rights[kept], places, weight),
        np.insert(found.categories[kept], places, found.categories[ends - 1]),
    )


def _numbers(truth: GroundTruth, classes: list[_Class], metric: MetricType) -> dict[str, Any]:
    curves = [one.curve() for one in classes]
    areas = [None if one is None else area_below(one) for one in curves]
    points = [None if one is None else eleven_points(one) for one in curves]
    recalls = [None if one is None else one.reached for one in curves]
    metrics = {"AP50": _mean(truth, areas), "AP50_pooled": area_below(_pooled(truth, classes))}
    if not metric.groups:
        metrics["AP50_11_points"] = _mean(truth, points)
    metrics["recall50"] = _mean(truth, recalls)
    values = points if metric.eleven_points else areas
    return {
        "mAP": metrics["AP50_11_points" if metric.eleven_points else "AP50"],
        "recall": metrics["recall50"],
        "metrics": metrics,
        "per_class": {truth.category_names[place]: values[place] for place in _in_order(truth)},
    }


def _pooled(truth: GroundTruth, classes: list[_Class]) -> Curve:
    """All classes as one, so that frequent ones weigh more: the API's weighted Pascal metric."""
    defined = [classes[place] for place in _in_order(truth) if classes[place].number]
    scores, rights = (
        np.concatenate([getattr(one, name) for one in defined]) for name in ("scores", "rights")
    )
    return curve(scores, rights, sum(one.number for one in defined))


def _in_order(truth: GroundTruth) -> list[int]:
    """Places of the categories in order of their ids."""
    return list(np.argsort(truth.category_ids, kind="stable").tolist())


def _mean(truth: GroundTruth, values: Sequence[float | None]) -> float:
    """The mean of the classes that have something to find.

    The last bit of NumPy's sum depends on where the numbers stand. The API keeps that of id n at n - 1, with
    gaps for ids that no class has.
    """
    ids = truth.category_ids
    if ids.min() >= 1 and ids.max() <= HIGHEST_LAID_OUT:
        laid_out, places = np.full(int(ids.max()), np.nan), ids - 1
    else:
        laid_out, places = np.full(len(ids), np.nan), np.argsort(np.argsort(ids))
    laid_out[places] = [np.nan if value is None else value for value in values]
    return float(np.nanmean(laid_out))
