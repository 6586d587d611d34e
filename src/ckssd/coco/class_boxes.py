"""Objects and detections of a data set side by side: boxes as corners, with their image and class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from ckssd.coco.hierarchy import Hierarchy
from ckssd.coco.metric_types import counted
from ckssd.coco.results import Rows
from ckssd.coco.truth import GroundTruth
from ckssd.coco.written import of

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Boxes:
    """N boxes: ids of image and category [N], ``corners`` [N, 4] x1, y1, x2, y2 in pixels.

    ``scores`` [N] of detections, ``ignored`` and ``group`` [N] of objects; the others have none, 0 or False.
    """

    images: Integers
    categories: Integers
    corners: Numbers
    scores: Numbers
    ignored: Flags
    group: Flags

    def __len__(self) -> int:
        return len(self.images)

    def chosen(self, places: Integers | Flags) -> Boxes:
        """Those at some places."""
        return Boxes(**{column.name: getattr(self, column.name)[places] for column in fields(self)})

    def keys(self) -> Integers:
        """Image id and category id, [N, 2]."""
        return np.stack([self.images, self.categories], axis=1)


def objects_of(truth: GroundTruth, image_ids: Sequence[int], metric: str) -> Boxes:
    """The objects of some images, and how a metric takes them."""
    taken = counted(truth, metric)
    every = Boxes(
        truth.box_images,
        truth.box_categories,
        _corners(truth.boxes),
        np.zeros(len(truth.boxes)),
        taken.ignored,
        taken.group,
    )
    return every.chosen(np.isin(truth.box_images, np.array(list(image_ids), np.int64)))


def detections_of(truth: GroundTruth, rows: Rows) -> Boxes:
    """Detections (see ckssd.coco.results) of known categories; those without an area are none."""
    corners = _corners(rows[:, 1:5])
    right = (corners[:, :2] < corners[:, 2:]).all(axis=1) & np.isin(rows[:, 6], truth.category_ids)
    rows, corners = rows[right], corners[right]
    none = np.zeros(len(rows), np.bool_)
    return Boxes(rows[:, 0].astype(np.int64), rows[:, 6].astype(np.int64), corners, rows[:, 5], none, none)


def _corners(boxes: Numbers) -> Numbers:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def best_first(found: Boxes) -> Boxes:
    """Detections class by class and image by image, ids rising; the best first, of equal ones the last."""
    later_first = -np.arange(len(found))
    return found.chosen(np.lexsort((later_first, -found.scores, found.images, found.categories)))


def shared_groups(found: Boxes, objects: Boxes) -> Iterator[tuple[slice, Integers]]:
    """Where a class has detections and objects in one image: both their places, the objects' in their order.

    ``found`` is in the order of best_first; groups come in that order, too.
    """
    keys = np.concatenate([objects.keys(), found.keys()])
    _, images = np.unique(keys[:, 0], return_inverse=True)
    _, categories = np.unique(keys[:, 1], return_inverse=True)
    numbers: Integers = categories.reshape(-1) * (len(keys) + 1) + images.reshape(-1)
    theirs, ours = numbers[: len(objects)], numbers[len(objects) :]
    order = np.argsort(theirs, kind="stable")
    groups, starts = np.unique(theirs[order], return_index=True)
    parts = np.split(order, starts[1:])
    begins, ends = np.searchsorted(ours, groups, "left"), np.searchsorted(ours, groups, "right")
    for place in np.flatnonzero(begins < ends).tolist():
        yield slice(int(begins[place]), int(ends[place])), parts[place]


def of_verified(found: Boxes, objects: Boxes, verified: Integers) -> Boxes:
    """Detections of classes that their image has a box or a label of; ``verified`` as of GroundTruth."""
    allowed = np.concatenate([objects.keys(), verified[:, :2]])
    pairs, numbers = np.unique(np.concatenate([allowed, found.keys()]), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    known = np.zeros(len(pairs), np.bool_)
    known[numbers[: len(allowed)]] = True
    return found.chosen(known[numbers[len(allowed) :]])


def with_wider(boxes: Boxes, wider: Mapping[int, tuple[int, ...]]) -> Boxes:
    """Boxes, then copies of them for all wider classes, in the same order."""
    places, categories = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for category, others in wider.items():
        own = np.flatnonzero(boxes.categories == category)
        places += [own] * len(others)
        categories += [np.full(len(own), other, np.int64) for other in others]
    copied, to = np.concatenate(places), np.concatenate(categories)
    order = np.argsort(copied, kind="stable")
    grown = boxes.chosen(np.concatenate([np.arange(len(boxes)), copied[order]]))
    return replace(grown, categories=np.concatenate([boxes.categories, to[order]]))


def labels_with_others(verified: Integers, hierarchy: Hierarchy) -> Integers:
    """Labels of images: what is there is of all wider classes, too; what is not, of no narrower one."""
    more = [
        (image, other, present)
        for image, category, present in verified.tolist()
        for other in (hierarchy.wider if present else hierarchy.narrower).get(category, ())
    ]
    return np.concatenate([verified, np.array(more, np.int64).reshape(-1, 3)])


def note_on_copies(objects: int, more_objects: int, detections: int | None, more_detections: int) -> str:
    """What the hierarchy added; ``detections`` None: none were."""
    text = f"hierarchy: {of(objects, 'object')} count for wider classes as well, as {more_objects} more; "
    if detections is None:
        return text + "detections as the model gives them (CK_OID_EXPAND=both: they, too)"
    return text + f"{of(detections, 'detection')} as {more_detections} more"
