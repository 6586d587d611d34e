"""The two tools' evaluations: pycocotools as it is, and faster-coco-eval on some categories at a time.

COCO's numbers of a category depend on no other. Each detection is a dict inside both tools, and each pair of
an image and a category takes more than a kilobyte: half a million detections in 80 categories of 5000 images
need 1300 MB at once, but a fifth of that in parts of 8 categories, with the same numbers and in less time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.exact import ExactPrecision
from ckssd.coco.results import Rows, results_of
from ckssd.coco.truth import GroundTruth
from ckssd.errors import InputError

CATEGORIES_AT_ONCE = 8

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tool:
    """pycocotools, or faster-coco-eval, which has the same interface: its COCO and COCOeval classes."""

    coco: Any
    evaluator: Any


@dataclass(frozen=True)
class Evaluation:
    """What a tool has accumulated; K categories in order of their ids.

    ``precision`` [IoU, recall, K, area, maxDets], ``recall`` [IoU, K, area, maxDets]: -1 where nothing is
    defined. ``iou_thresholds``: those of the first axis. ``categories``: K names.
    """

    precision: Numbers
    recall: Numbers
    iou_thresholds: tuple[float, ...]
    categories: tuple[str, ...]


def evaluate_whole(
    tool: Tool, annotations: Path, known: GroundTruth, rows: Rows, image_ids: Sequence[int]
) -> Evaluation:
    """Evaluate as pycocotools itself does: the reference has nothing of ours in it.

    It reads the file itself, unless that leaves out what it needs, or an id is 0.

    Parameters
    ----------
    annotations, known
        An instances file, and its content as ckssd.coco.truth reads it.
    rows
        float64 [N, 7]: see ckssd.coco.results.
    image_ids
        The images that count.

    Raises
    ------
    InputError
        The tool cannot read the annotations.
    """
    truth = _truth(tool, known, _categories(known)) if known.notes else _read_by_tool(tool, annotations)
    run = tool.evaluator(truth, _results(tool, truth, rows), "bbox")
    run.params.imgIds = sorted(image_ids)
    run.evaluate()
    run.accumulate()
    names = [truth.cats[category]["name"] for category in run.params.catIds]
    return _evaluation(run, run.eval["precision"], names)


def _read_by_tool(tool: Tool, annotations: Path) -> Any:
    try:
        truth = tool.coco(str(annotations))
        if 0 in truth.anns:
            _number(truth.dataset["annotations"])
            truth.createIndex()
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise InputError("The annotations cannot be read", where=annotations, got=repr(error)) from error
    return truth


def evaluate_in_parts(tool: Tool, truth: GroundTruth, rows: Rows, image_ids: Sequence[int]) -> Evaluation:
    """Evaluate by faster-coco-eval, CATEGORIES_AT_ONCE at a time, equal to pycocotools to the last bit.

    The arguments are those of ``evaluate_whole``.
    """
    categories = sorted(_categories(truth).items())
    parts = [
        _evaluate_part(
            tool,
            _truth(tool, truth, dict(categories[start : start + CATEGORIES_AT_ONCE])),
            rows,
            image_ids,
        )
        for start in range(0, max(len(categories), 1), CATEGORIES_AT_ONCE)
    ]
    return Evaluation(
        precision=np.concatenate([part.precision for part in parts], axis=2),
        recall=np.concatenate([part.recall for part in parts], axis=1),
        iou_thresholds=parts[0].iou_thresholds,
        categories=tuple(name for part in parts for name in part.categories),
    )


def _categories(truth: GroundTruth) -> dict[int, str]:
    return dict(zip(truth.category_ids.tolist(), truth.category_names, strict=True))


def _evaluate_part(tool: Tool, truth: Any, rows: Rows, image_ids: Sequence[int]) -> Evaluation:
    """Evaluate the categories of ``truth``; what the tool needs for it ends with this call."""
    own = rows[np.isin(rows[:, 6], list(truth.cats))]
    run = tool.evaluator(truth, _results(tool, truth, own), "bbox")
    run.params.imgIds = sorted(image_ids)
    correction = ExactPrecision(run, truth.loadAnns(truth.getAnnIds(imgIds=run.params.imgIds)))
    run.evaluate()
    run.accumulate()
    precision = correction.correct(np.asarray(run.eval["precision"], np.float64))
    return _evaluation(run, precision, [category["name"] for category in truth.cats.values()])


def _evaluation(run: Any, precision: Any, categories: Sequence[str]) -> Evaluation:
    return Evaluation(
        precision=np.asarray(precision, np.float64),
        recall=np.asarray(run.eval["recall"], np.float64),
        iou_thresholds=tuple(round(float(threshold), 2) for threshold in run.params.iouThrs),
        categories=tuple(map(str, categories)),
    )


def check_known(known: Collection[int], image_ids: Sequence[int], annotations: Path) -> None:
    """Raise an InputError for ids of images that the annotations do not have."""
    unknown = sorted(set(image_ids).difference(known))
    if unknown:
        raise InputError(
            "The annotations do not fit the images that were run",
            where=annotations,
            expected="ids of its images",
            got=", ".join(map(str, unknown[:5])),
        )


def _truth(tool: Tool, truth: GroundTruth, categories: dict[int, str]) -> Any:
    """The tool's COCO object with what boxes need, without the outlines that make up most of a file."""
    chosen = np.isin(truth.box_categories, list(categories))
    columns = (truth.box_images, truth.box_categories, truth.boxes, truth.areas, truth.crowds)
    boxes = zip(*(column[chosen].tolist() for column in columns), strict=True)
    keys = ("image_id", "category_id", "bbox", "area", "iscrowd")
    annotations = [dict(zip(keys, values, strict=True)) for values in boxes]
    _number(annotations)
    return _indexed(
        tool,
        images=[{"id": identity} for identity in truth.image_ids.tolist()],
        categories=[{"id": identity, "name": name} for identity, name in categories.items()],
        annotations=annotations,
    )


def _number(annotations: Sequence[dict[str, Any]]) -> None:
    """Give annotations ids from 1 on. To both tools, a detection that matches id 0 matches nothing."""
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number


def _results(tool: Tool, truth: Any, rows: Rows) -> Any:
    """What ``COCO.loadRes`` gives, without the outlines it makes; it fails when there is no detection."""
    areas = (rows[:, 3] * rows[:, 4]).tolist()
    results = [
        {**result, "id": index, "area": area, "iscrowd": 0}
        for index, (result, area) in enumerate(zip(results_of(rows), areas, strict=True), start=1)
    ]
    dataset = {name: truth.dataset[name] for name in ("images", "categories")}
    return _indexed(tool, **dataset, annotations=results)


def _indexed(tool: Tool, **dataset: list[dict[str, Any]]) -> Any:
    made = tool.coco()
    made.dataset = dataset
    made.createIndex()
    return made
