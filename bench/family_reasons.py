"""Why a detection of one runtime has no counterpart in the other: each reason is checked, none is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ckssd.detect.detections import Detections
from tests.support.agreement import Agreement, Unmatched, partners

TIES = "tie "
OUTSIDE = "lie outside the image: TensorFlow drops them"
STEPS = "are the same object, more steps apart than that"
AT_THRESHOLD = "have an IoU at the NMS threshold"
FOLLOWS = "overlap one of these, which one side alone keeps"
MOST_STEPS = 4
Pairs = Mapping[str, tuple[Detections, Detections]]


@dataclass(frozen=True)
class Limits:
    """What two runtimes may differ by, and what their NMS was told.

    ``iou``: the threshold of NMS. ``boxes``, ``scores``: tolerances of a pair. ``ties``: by how much scores
    differ that may be ordered either way. ``steps``: how many steps of 8 bits these are; 0: of none.
    """

    iou: float
    boxes: float
    scores: float
    ties: float
    steps: int = 0


@dataclass(frozen=True)
class Explained:
    """A detection without counterpart; ``reason`` is empty where nothing explains it."""

    image: str
    side: str
    number: int
    score: float
    reason: str = ""
    detail: str = ""


def explain(agreement: Agreement, pairs: Pairs, limits: Limits) -> list[Explained]:
    """Say of each unmatched detection of a comparison why it is one."""
    moved = agreement.box_difference
    found = [_explained(each, pairs[each.image], limits, moved) for each in agreement.unmatched]
    while True:  # one that is explained may explain what it overlaps
        known = list(zip(found, agreement.unmatched, strict=True))
        more = [each if each.reason else _following(each, one, known, limits) for each, one in known]
        if more == found:
            return found
        found = more


def _explained(
    one: Unmatched, sides: tuple[Detections, Detections], limits: Limits, moved: float
) -> Explained:
    bare = Explained(one.image, one.side, one.number, one.score)
    ymin, xmin, ymax, xmax = one.box
    if limits.steps:
        steps = min((each for each in _steps_apart(one, sides, limits) if each <= MOST_STEPS), default=None)
        if steps is not None:
            return replace(bare, reason=STEPS, detail=f"{steps:.1f}")
    if one.tie:
        text, _, score = one.tie.rstrip(")").partition(" (")
        return replace(bare, reason=TIES + text, detail=score)
    if ymax <= ymin or xmax <= xmin:
        return replace(bare, reason=OUTSIDE)
    at_threshold = _at_threshold(one, sides, limits, moved)
    return replace(bare, reason=AT_THRESHOLD, detail=at_threshold) if at_threshold else bare


def _steps_apart(one: Unmatched, sides: tuple[Detections, Detections], limits: Limits) -> Iterator[float]:
    """How many steps it is from each of its class that the other side has and that is free, too."""
    matched = dict(partners(*sides, limits.boxes, limits.scores))
    other = sides[one.side == "one"]
    taken = set(matched.values() if one.side == "one" else matched)
    for index in np.flatnonzero(other.classes == one.number):
        if index not in taken:
            of_scores = abs(float(other.scores[index]) - one.score) / limits.scores
            of_boxes = float(np.abs(other.boxes[index] - np.array(one.box)).max()) / limits.boxes
            yield limits.steps * max(of_scores, of_boxes)


def _at_threshold(one: Unmatched, sides: tuple[Detections, Detections], limits: Limits, moved: float) -> str:
    """The IoU with the one that suppresses it over there, here and there, if rounding decides; else ""."""
    mine, theirs = sides if one.side == "one" else sides[::-1]
    same = np.flatnonzero(mine.classes == one.number)
    box = np.array(one.box)
    for rival in np.flatnonzero(theirs.classes == one.number):
        there = iou(box, theirs.boxes[rival])
        near = abs(there - limits.iou) <= margin(box, theirs.boxes[rival], moved)
        if theirs.scores[rival] >= one.score - limits.ties and near:
            away = np.abs(mine.boxes[same] - theirs.boxes[rival]).max(axis=1)
            if away.min() <= limits.boxes:
                here = iou(box, mine.boxes[same[int(away.argmin())]])
                return f"{here:.4f} / {there:.4f}"
    return ""


def _following(
    bare: Explained, one: Unmatched, known: Sequence[tuple[Explained, Unmatched]], limits: Limits
) -> Explained:
    """What one side keeps because it has not another one, which is explained."""
    for explained, other in known:
        same = (other.image, other.number) == (one.image, one.number) and other.side != one.side
        stronger = other.score >= one.score - limits.ties
        if (
            explained.reason
            and same
            and stronger
            and iou(np.array(one.box), np.array(other.box)) > limits.iou
        ):
            return replace(bare, reason=FOLLOWS, detail=f"{other.score:.6f}")
    return bare


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes ymin, xmin, ymax, xmax."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    shared = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None).prod()
    union = (one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - shared
    return float(shared / union) if union > 0 else 0.0


def margin(one: np.ndarray, other: np.ndarray, moved: float) -> float:
    """By how much the IoU of two boxes can change, to first order, if each side moves by ``moved``."""
    sides = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    union = (one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - sides.prod()
    if union <= 0:
        return 0.0
    shared_change = 2 * moved * float(sides.sum())
    union_change = 2 * moved * float((one[2:] - one[:2]).sum() + (other[2:] - other[:2]).sum())
    overlap = float(sides.prod() / union)
    return float((shared_change * (1 + overlap) + union_change * overlap) / union)
