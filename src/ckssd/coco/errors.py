"""Why detections are wrong, as TIDE sorts it: each wrong detection and each missed object has one kind.

The rules are those of Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors (ECCV
2020), section 2, at IoU 0.5 for a match and 0.1 for the background, as their ``tidecv`` applies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ckssd.coco.matching import box_ious
from ckssd.coco.results import Rows
from ckssd.coco.truth import GroundTruth

FOREGROUND_IOU, BACKGROUND_IOU = 0.5, 0.1
# In TIDE's order; the last is of objects, the others of detections.
CLASS, LOCATION, BOTH, DUPLICATE, BACKGROUND, MISSED = KINDS = (
    *("classification", "localisation", "both", "duplicate", "background", "missed"),
)
# What hotcoco calls them.
TIDE_NAMES = dict(zip(KINDS, ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss"), strict=True))
RIGHT, UNCOUNTED = "right", "uncounted"

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What one detection is.

    ``kind``: RIGHT, UNCOUNTED (it meets a crowd only, or is beyond the limit of detections), or one of KINDS.
    ``iou`` and ``of``: the IoU with the object that decides, and its place in the truth's boxes; -1: none.
    """

    kind: str
    iou: float
    of: int


@dataclass(frozen=True)
class Sorted:
    """Outcomes of the rows, [N]; ``matched``: place of a right detection's object, by place of the row."""

    outcomes: tuple[Outcome, ...]
    matched: dict[int, int]


def sort_errors(
    truth: GroundTruth, rows: Rows, objects: Places, matched: dict[int, int], counted: Flags
) -> Sorted:
    """Give every detection its outcome.

    Parameters
    ----------
    rows
        float64 [N, 7], see ckssd.coco.results.
    objects
        Places of the truth's boxes in the images that were run.
    matched
        Place of each right detection to the place of its object.
    counted
        [N]: False for detections that count neither as right nor as wrong.
    """
    outcomes = [Outcome(UNCOUNTED, 0.0, -1)] * len(rows)
    single = objects[truth.crowds[objects] == 0]
    by_image = grouped(truth.box_images[single], single)
    taken = np.zeros(len(truth.boxes), np.bool_)
    taken[list(matched.values())] = True
    every = np.arange(len(rows), dtype=np.int64)
    for image, places in grouped(rows[:, 0].astype(np.int64), every).items():
        there = by_image.get(image, np.empty(0, np.int64))
        ious = box_ious(rows[places, 1:5], truth.boxes[there], np.zeros(len(there), np.bool_))
        same = rows[places, 6][:, np.newaxis] == truth.box_categories[there][np.newaxis]
        for index, place in enumerate(places.tolist()):
            if place in matched:
                own = matched[place]
                outcomes[place] = Outcome(RIGHT, float(ious[index, there == own].max(initial=0.0)), own)
            elif counted[place]:
                outcomes[place] = _wrong(ious[index], same[index], taken[there], there)
    return Sorted(tuple(outcomes), matched)


def _wrong(ious: Numbers, same: Flags, taken: Flags, there: Places) -> Outcome:
    """The kind of one wrong detection; the arguments are of the objects in its image."""

    def decided(kind: str, among: Numbers) -> Outcome:
        best = int(np.argmax(among))
        return Outcome(kind, float(among[best]), int(there[best]))

    if not len(ious):
        return Outcome(BACKGROUND, 0.0, -1)
    own, other = ious * same, ious * ~same
    if BACKGROUND_IOU <= own.max() <= FOREGROUND_IOU:
        return decided(LOCATION, own)
    if other.max() >= FOREGROUND_IOU:
        return decided(CLASS, other)
    if (own * taken).max() >= FOREGROUND_IOU:
        return decided(DUPLICATE, own * taken)
    if ious.max() <= BACKGROUND_IOU:
        return Outcome(BACKGROUND, float(ious.max()), -1)
    return decided(BOTH, ious)


def missed(truth: GroundTruth, objects: Places, found: Sorted, among: Flags | None = None) -> Places:
    """Places of objects that no detection is about: not right, not of another class, not beside it.

    ``among`` [N]: the detections that are looked at; default: all.
    """
    kept = range(len(found.outcomes)) if among is None else np.flatnonzero(among).tolist()
    about = {
        found.outcomes[place].of for place in kept if found.outcomes[place].kind in (RIGHT, LOCATION, CLASS)
    }
    single = objects[truth.crowds[objects] == 0]
    left: Places = single[~np.isin(single, np.array(sorted(about), np.int64))]
    return left


def grouped(keys: npt.NDArray[np.int64], places: Places) -> dict[int, Places]:
    """Key to its places, in their order."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order])) + 1
    parts: Sequence[Places] = np.split(places[order], starts) if len(order) else []
    return {int(keys[order[start]]): part for start, part in zip([0, *starts.tolist()], parts, strict=False)}
