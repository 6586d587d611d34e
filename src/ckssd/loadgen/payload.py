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
Rows = npt.NDArray[np.float32]


class Payload:
    """Makes the rows of answers in a buffer of its own, for one detector; the next one replaces them.

    Classes that the data set has not are left out. All this is within the measured time of each answer.

    Parameters
    ----------
    category_ids
        Class index to category id.
    num_classes
        That the model has.
    """

    def __init__(self, category_ids: Mapping[int, int], num_classes: int) -> None:
        self._categories = np.full(max(category_ids, default=0) + 2, -1, np.int64)
        for index, category in category_ids.items():
            self._categories[index] = category
        self._all_known = num_classes <= len(category_ids)
        self._make_room(0)

    def _make_room(self, rows: int) -> None:
        self._rows = np.empty((max(rows, ROOM), FIELDS), ROW_TYPE)
        self.address = self._rows.ctypes.data

    def fill(self, found: Detections, index: int) -> int:
        """Put the detections in sample ``index`` at ``address``, float32 [N, 7]; return how many bytes."""
        # The last place stands for every class beyond.
        categories = self._categories[np.minimum(found.classes, len(self._categories) - 1)]
        count = len(categories)
        if count > len(self._rows):
            self._make_room(count)
        rows = self._rows[:count]
        rows[:, 0] = index
        rows[:, 1:5] = found.boxes
        rows[:, 5] = found.scores
        rows[:, 6] = categories
        if not self._all_known:
            known = rows[categories >= 0]
            count = len(known)
            self._rows[:count] = known
        return count * ROW_BYTES


def to_detections(rows: Rows) -> Detections:
    """The detections of an answer; their class index is the category id."""
    return Detections(rows[:, 1:5].copy(), rows[:, 6].astype(np.int64), rows[:, 5].copy())
