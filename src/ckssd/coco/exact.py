"""faster-coco-eval's precisions, equal to pycocotools' to the last bit.

pycocotools computes precision as tp / (fp + tp + 2.2e-16). That differs from tp / (fp + tp) in one case only:
a first detection that is right gives 0.9999999999999998, where faster-coco-eval gives 1.0 (from the second,
adding so little changes nothing). Whether a precision of 1.0 comes from the first detection alone shows at a
recall between that of one and that of two right detections, so that recall is asked for too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

ONE_RIGHT_DETECTION = float(1 / (1 + np.spacing(1)))  # pycocotools' precision of it: 0.9999999999999998

Counts = dict[tuple[int, int], int]  # (index of category, index of area range) to number of objects


class ExactPrecision:
    """Asks an evaluation for the recalls needed, and corrects its precisions.

    Parameters
    ----------
    run
        A COCOeval_faster, its images and categories set; its recall thresholds are replaced.
    annotations
        The ground truth of the images that are run.
    """

    def __init__(self, run: Any, annotations: Iterable[dict[str, Any]]) -> None:
        self._standard = np.asarray(run.params.recThrs)
        self._counts = _count_objects(run, annotations)
        between = [1.5 / count for count in self._counts.values()]
        self._thresholds = np.unique(np.concatenate([self._standard, between]))
        run.params.recThrs = self._thresholds

    def correct(self, precision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Precisions [IoU, recall, category, area, maxDets] at COCO's recalls, as pycocotools has them."""
        corrected = precision[:, np.searchsorted(self._thresholds, self._standard)]
        for (category, area), count in self._counts.items():
            values = corrected[:, :, category, area]
            if count > 1:
                second = precision[:, np.searchsorted(self._thresholds, 1.5 / count), category, area]
                first_only = second < 1.0
            else:
                first_only = np.ones((values.shape[0], values.shape[2]), dtype=bool)
            values[(values == 1.0) & first_only[:, np.newaxis]] = ONE_RIGHT_DETECTION
        return corrected


def _count_objects(run: Any, annotations: Iterable[dict[str, Any]]) -> Counts:
    """How many objects count (no crowds, area within range) for each category and area range that has any."""
    index_of = {category: index for index, category in enumerate(run.params.catIds)}
    counts: Counts = {}
    for annotation in annotations:
        if annotation.get("iscrowd"):
            continue
        for area, (low, high) in enumerate(run.params.areaRng):
            if low <= annotation["area"] <= high:
                key = (index_of[annotation["category_id"]], area)
                counts[key] = counts.get(key, 0) + 1
    return counts
