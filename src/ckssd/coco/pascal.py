"""Pascal VOC's way to count detections, and AP from it; Open Images' is the same with group-of boxes.

The definitions are VOC's development kit (VOCevaldet.m of 2007 and of 2010,
http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html) and
https://storage.googleapis.com/openimages/web/evaluation.html, as the Object Detection API's evaluators
compute them, to the last bit: boxes are continuous (no pixel is added to a width, as VOC's kit does).

Of equal scores the later one comes first, which is what the API does where NumPy's sort keeps their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IOU = 0.5
POINTS = np.arange(11) / 10  # VOC 2007's recalls

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Objects:
    """An image's boxes of one class: corners [G, 4] x1, y1, x2, y2, and which are ignored or group-of."""

    corners: Numbers
    ignored: Flags
    group: Flags


@dataclass(frozen=True)
class Curve:
    """Precision and recall of the best 1, 2, 3 … detections."""

    precision: Numbers
    recall: Numbers

    @property
    def reached(self) -> float:
        """The recall of all detections."""
        return float(self.recall[-1]) if len(self.recall) else 0.0


def best_first(scores: Numbers) -> Places:
    """Places from the highest score to the lowest; of equal ones, the last comes first."""
    return np.argsort(scores, kind="stable")[::-1]


@dataclass(frozen=True)
class Outcome:
    """What detections are, [D]: ``right``, or ``left_out``, or else wrong.

    ``groups``: for each group-of box that has any, the best score of those that are left out for it.
    """

    right: Flags
    left_out: Flags
    groups: Numbers


def match_best_first(corners: Numbers, scores: Numbers, objects: Objects) -> Outcome:
    """Match detections of one class in one image with its objects.

    From the best on, each goes to the object with the highest IoU, if that is at least 0.5: the first is
    right, further ones are wrong. One that goes to an ignored object is left out. One that is not right, but
    lies with half its area or more in a group-of box, is left out.

    Parameters
    ----------
    corners, scores
        [D, 4] x1, y1, x2, y2 in pixels, and [D], the best first; boxes have an area.
    """
    right, left_out = _match_single(corners, objects)
    groups = objects.corners[objects.group]
    best = np.zeros(len(groups))
    if len(groups):
        inside = _shared(corners, groups) / _areas(corners)[:, np.newaxis]
        chosen = inside.argmax(axis=1)
        matched = ~right & ~left_out & (inside[np.arange(len(chosen)), chosen] >= IOU)
        left_out |= matched
        np.maximum.at(best, chosen[matched], scores[matched])
    return Outcome(right, left_out, best[best > 0])


def _match_single(corners: Numbers, objects: Objects) -> tuple[Flags, Flags]:
    """Which detections, best first, are right; which are to be left out."""
    right, left_out = np.zeros(len(corners), np.bool_), np.zeros(len(corners), np.bool_)
    single, ignored = objects.corners[~objects.group], objects.ignored[~objects.group]
    if not len(single):
        return right, left_out
    ious = box_ious(corners, single)
    chosen = ious.argmax(axis=1)
    reaches = ious[np.arange(len(chosen)), chosen] >= IOU
    left_out[:] = reaches & ignored[chosen]
    candidates = np.flatnonzero(reaches & ~ignored[chosen])
    _, firsts = np.unique(chosen[candidates], return_index=True)
    right[candidates[firsts]] = True
    return right, left_out


def box_ious(found: Numbers, objects: Numbers) -> Numbers:
    """IoU of corners x1, y1, x2, y2, [D, 4] and [G, 4]: [D, G]."""
    shared = _shared(found, objects)
    return np.asarray(shared / (_areas(found)[:, np.newaxis] + _areas(objects) - shared))


def _shared(found: Numbers, objects: Numbers) -> Numbers:
    here, there = found[:, np.newaxis], objects[np.newaxis]
    sides = np.minimum(here[..., 2:], there[..., 2:]) - np.maximum(here[..., :2], there[..., :2])
    sides = np.maximum(sides, 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _areas(corners: Numbers) -> Numbers:
    return np.asarray((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]))


def curve(scores: Numbers, rights: Numbers, number: float) -> Curve:
    """Precision and recall of scores, each with what it counts as (0: wrong); ``number`` objects, not 0."""
    ordered = rights[best_first(scores)]
    right, wrong = np.cumsum(ordered), np.cumsum((ordered <= 0).astype(np.float64))
    return Curve(right / (right + wrong), right / number)


def area_below(points: Curve) -> float:
    """VOC's AP since 2010: the area below the curve, where a precision is the best at this recall or more."""
    recall = np.concatenate([[0.0], points.recall, [1.0]])
    precision = np.concatenate([[0.0], points.precision, [0.0]])
    best = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(np.diff(recall)) + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * best[steps])) if len(points.recall) else 0.0


def eleven_points(points: Curve) -> float:
    """VOC's AP of 2007: the mean of the best precisions at a recall of at least 0, 0.1, … 1; 0 where none is.

    A recall is compared as a fraction: 3 of 10 objects reach 0.3 (MATLAB's own 0:0.1:1 is above it).
    """
    best = [points.precision[points.recall >= point] for point in POINTS]
    return float(sum(float(one.max()) if len(one) else 0.0 for one in best) / len(POINTS))
