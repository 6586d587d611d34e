"""Which detections are right: matched with objects by COCO's greedy rule, once for all score thresholds.

An image's detections of a category choose from the best score on. So what a detection gets does not depend on
those with lower scores, and leaving these out later changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ckssd.coco.results import Rows
from ckssd.coco.truth import LARGEST_AREA, GroundTruth

WRONG, RIGHT, IGNORED = 0, 1, 2
IMAGE, SCORE, CATEGORY = 0, 5, 6  # columns of Rows
# COCOeval compares with at most this IoU, so that equal boxes match at 1 however their IoU is rounded.
HIGHEST_IOU = 1 - 1e-10

Numbers = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Matches:
    """Every detection's score, category and outcome (RIGHT, WRONG or IGNORED), and what there was to find.

    ``objects``: category id to number of single objects in the images, for every category of the annotations.
    ``strangers``: detections of categories that the annotations do not have, which are left out.
    """

    scores: Numbers
    categories: npt.NDArray[np.int64]
    outcomes: Outcomes
    objects: dict[int, int]
    images: int
    strangers: int


@dataclass(frozen=True)
class _Objects:
    """An image's objects of a category, single ones first: boxes [G, 4], and which are ignored or crowds."""

    boxes: Numbers
    ignored: npt.NDArray[np.bool_]
    crowds: npt.NDArray[np.bool_]


def match(truth: GroundTruth, rows: Rows, image_ids: Sequence[int], iou: float) -> Matches:
    """Match detections with the objects of some images, as COCOeval does for one IoU threshold.

    A detection matches the object of its image and category with the highest IoU, of at least ``iou``, that
    none with a better score has. One that matches a crowd only is ignored: neither right nor wrong. There is
    no limit of detections in an image (COCO's is 100 of each category).

    Parameters
    ----------
    rows
        float64 [N, 7] of these images, see ckssd.coco.results.
    image_ids
        The images that were run; objects of others do not count.
    iou
        Above 0, at most 1.
    """
    known = np.isin(rows[:, CATEGORY], truth.category_ids)
    used = rows[known]
    inside = np.isin(truth.box_images, np.array(list(image_ids), np.int64))
    ignored = _ignored(truth)
    counted = truth.box_categories[inside & ~ignored]
    outcomes = np.where(used[:, 3] * used[:, 4] > LARGEST_AREA, IGNORED, WRONG).astype(np.int8)
    objects = _by_place(truth, ignored, np.flatnonzero(inside))
    for key, places in _groups(used[:, IMAGE], used[:, CATEGORY]):
        if key in objects:
            ordered = places[np.argsort(-used[places, SCORE], kind="stable")]
            _choose(used[ordered, 1:5], objects[key], min(iou, HIGHEST_IOU), outcomes, ordered)
    return Matches(
        scores=used[:, SCORE],
        categories=used[:, CATEGORY].astype(np.int64),
        outcomes=outcomes,
        objects={category: int((counted == category).sum()) for category in truth.category_ids.tolist()},
        images=len(set(image_ids)),
        strangers=int((~known).sum()),
    )


def _ignored(truth: GroundTruth) -> npt.NDArray[np.bool_]:
    return np.asarray((truth.crowds == 1) | (truth.areas > LARGEST_AREA))


def _by_place(
    truth: GroundTruth, ignored: npt.NDArray[np.bool_], inside: npt.NDArray[np.int64]
) -> dict[tuple[int, int], _Objects]:
    objects = {}
    for key, places in _groups(truth.box_images[inside], truth.box_categories[inside]):
        chosen = inside[places]
        chosen = chosen[np.argsort(ignored[chosen], kind="stable")]
        objects[key] = _Objects(truth.boxes[chosen], ignored[chosen], truth.crowds[chosen] == 1)
    return objects


def _groups(
    images: npt.NDArray[np.generic], categories: npt.NDArray[np.generic]
) -> Iterator[tuple[tuple[int, int], npt.NDArray[np.int64]]]:
    """Image id and category id, and the places that have both, in their order."""
    order = np.lexsort((categories, images))
    keys = np.stack([images[order], categories[order]], axis=1)
    starts = np.flatnonzero(np.any(keys[1:] != keys[:-1], axis=1)) + 1
    for places in np.split(order, starts) if len(order) else []:
        yield (int(images[places[0]]), int(categories[places[0]])), places


def _choose(
    boxes: Numbers, objects: _Objects, iou: float, outcomes: Outcomes, places: npt.NDArray[np.int64]
) -> None:
    """Let detections, best first, choose among an image's objects; write what each got to ``outcomes``."""
    reached = box_ious(boxes, objects.boxes, objects.crowds)
    taken = np.zeros(len(objects.boxes), np.bool_)
    for index in np.flatnonzero((reached >= iou).any(axis=1)).tolist():
        free = (reached[index] >= iou) & (~taken | objects.crowds)
        single = free & ~objects.ignored
        candidates = np.flatnonzero(single if single.any() else free)
        if not len(candidates):
            continue
        values = reached[index, candidates]
        best = candidates[len(values) - 1 - int(np.argmax(values[::-1]))]  # of equal ones the last, as COCO
        taken[best] = True
        outcomes[places[index]] = IGNORED if objects.ignored[best] else RIGHT


def box_ious(found: Numbers, objects: Numbers, crowds: npt.NDArray[np.bool_]) -> Numbers:
    """IoU of boxes x, y, width, height, [D, 4] and [G, 4]: [D, G]; of a crowd, the part of the box inside it.

    The arithmetic is that of bbIou in COCO's maskApi.c.
    """
    here, there = found[:, np.newaxis], objects[np.newaxis]
    ends = np.minimum(here[..., :2] + here[..., 2:], there[..., :2] + there[..., 2:])
    sides = ends - np.maximum(here[..., :2], there[..., :2])
    shared = np.where((sides > 0).all(axis=2), sides[..., 0] * sides[..., 1], 0.0)
    areas = (found[:, 2] * found[:, 3])[:, np.newaxis]
    union = np.where(crowds, areas, areas + objects[:, 2] * objects[:, 3] - shared)
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
