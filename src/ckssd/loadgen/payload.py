"""What an answer carries: the rows that MLPerf's accuracy-coco.py reads from LoadGen's accuracy log.

One row of seven float32 a detection: the sample's index, ymin, xmin, ymax, xmax as fractions of the image,
score, category id. Source: mlcommons/inference, vision/classification_and_detection/tools/accuracy-coco.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ckssd.detect.detections import Detections

FIELDS = 7
ROW_TYPE = "<f4"
ROW_BYTES = FIELDS * 4
ROOM = 128  # rows to begin with
UNKNOWN = -1  # for a category
Rows = npt.NDArray[np.float32]
_Views = tuple[Rows, Rows, Rows, Rows]  # index, boxes, scores, categories


class Payload:
    """Makes the rows of answers in a buffer of its own, for one detector; the next one replaces them.

    Classes that the data set has not are left out. All this is within the measured time of each answer, so
    what can be done before is: the views of so many rows are made once.

    Parameters
    ----------
    category_ids
        Class index to category id.
    num_classes
        That the model has.
    """

    def __init__(self, category_ids: Mapping[int, int], num_classes: int) -> None:
        # The last place stands for every class beyond.
        self._categories = np.full(max(category_ids, default=0) + 2, UNKNOWN, ROW_TYPE)
        for index, category in category_ids.items():
            self._categories[index] = category
        self._all_known = num_classes <= len(category_ids)
        self._make_room(ROOM)

    def _make_room(self, rows: int) -> None:
        self._rows: Rows = np.empty((rows, FIELDS), ROW_TYPE)
        self.address = self._rows.ctypes.data
        self._views: list[_Views | None] = [None] * (rows + 1)

    def fill(self, found: Detections, index: int) -> int:
        """Put the detections in sample ``index`` at ``address``, float32 [N, 7]; return how many bytes."""
        count = len(found.scores)
        if count >= len(self._views):
            self._make_room(count)
        views = self._views[count] or self._new_views(count)
        views[0].fill(index)
        np.copyto(views[1], found.boxes)
        np.copyto(views[2], found.scores)
        self._categories.take(found.classes, out=views[3], mode="clip")
        if not self._all_known:
            known = self._rows[:count][views[3] != UNKNOWN]
            count = len(known)
            self._rows[:count] = known
        return count * ROW_BYTES

    def _new_views(self, count: int) -> _Views:
        rows = self._rows[:count]
        views = self._views[count] = (rows[:, 0], rows[:, 1:5], rows[:, 5], rows[:, 6])
        return views


def to_detections(rows: Rows) -> Detections:
    """The detections of an answer; their class index is the category id."""
    return Detections(rows[:, 1:5].copy(), rows[:, 6].astype(np.int64), rows[:, 5].copy())
