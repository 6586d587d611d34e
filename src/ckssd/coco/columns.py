"""hotcoco's evaluation, from columns: no dict for a box, so it needs a sixth of the others' memory.

Ids are handed over as ranks, which hotcoco takes whatever the ids are; the order, which decides ties, stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.evaluators import Evaluation
from ckssd.coco.results import Rows
from ckssd.coco.truth import GroundTruth

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Evaluated:
    """hotcoco's finished run, and what its ids mean.

    ``detections``: places in the rows that were given, of the run's detections 1, 2, ...; ``objects``: places
    in the truth's boxes, of its annotations 1, 2, ...; ``categories``: ids, of its categories 1, 2, ...
    """

    run: Any
    detections: Ids
    objects: Ids
    categories: Ids


def run_columns(hotcoco: Any, truth: GroundTruth, rows: Rows, image_ids: Sequence[int]) -> Evaluated:
    """Match and accumulate by hotcoco.

    Parameters
    ----------
    hotcoco
        The module.
    rows
        float64 [N, 7]: see ckssd.coco.results.
    image_ids
        The images that count.
    """
    images, categories = np.unique(np.asarray(image_ids, np.int64)), np.unique(truth.category_ids)
    shared = (
        [{"id": number, "width": 1, "height": 1} for number in range(1, len(images) + 1)],
        [{"id": number, "name": str(number)} for number in range(1, len(categories) + 1)],
    )
    objects = np.flatnonzero(np.isin(truth.box_images, images))
    known = hotcoco.COCO.from_arrays(
        *shared,
        _ranks(truth.box_images[objects], images),
        _ranks(truth.box_categories[objects], categories),
        truth.boxes[objects],
        area=truth.areas[objects],
        iscrowd=truth.crowds[objects],
    )
    detections = np.flatnonzero(np.isin(rows[:, 6], categories))
    own = rows[detections]
    own[:, 0], own[:, 6] = _ranks(own[:, 0], images), _ranks(own[:, 6], categories)
    run = hotcoco.COCOeval(known, known.load_res(own), "bbox")
    run.params.img_ids = list(range(1, len(images) + 1))
    run.evaluate()
    run.accumulate()
    return Evaluated(run, detections, objects, categories)


def evaluate_columns(hotcoco: Any, truth: GroundTruth, rows: Rows, image_ids: Sequence[int]) -> Evaluation:
    """Evaluate by hotcoco, equal to pycocotools to the last bit; the parameters are those of run_columns."""
    return evaluation_of(run_columns(hotcoco, truth, rows, image_ids), truth)


def evaluation_of(evaluated: Evaluated, truth: GroundTruth) -> Evaluation:
    """What COCO's numbers are made of."""
    run = evaluated.run
    names = dict(zip(truth.category_ids.tolist(), truth.category_names, strict=True))
    return Evaluation(
        precision=np.asarray(run.eval["precision"], np.float64),
        recall=np.asarray(run.eval["recall"], np.float64),
        iou_thresholds=tuple(round(float(threshold), 2) for threshold in run.params.iou_thrs),
        categories=tuple(str(names[identity]) for identity in evaluated.categories.tolist()),
    )


def _ranks(ids: npt.NDArray[Any], of: Ids) -> Ids:
    """Places of ids among sorted ones, from 1 on: a detection that matches id 0 matches nothing."""
    return np.asarray(np.searchsorted(of, ids) + 1, np.int64)
