"""Evaluated in parts, a data set of many categories has pycocotools' numbers and needs little at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hotcoco
import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from pycocotools.coco import COCO as REFERENCE
from pycocotools.cocoeval import COCOeval

from ckssd.coco.columns import evaluate_columns
from ckssd.coco.evaluators import CATEGORIES_AT_ONCE, Tool, evaluate_in_parts, evaluate_whole
from ckssd.coco.metrics import evaluate
from ckssd.coco.results import Rows
from ckssd.coco.truth import read_truth

CATEGORIES, IMAGES = 2 * CATEGORIES_AT_ONCE + 3, 12
UNKNOWN = 500  # a category that no annotation knows


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    """Boxes of all categories but one; ids of categories in no order, a crowd among the boxes."""
    random = np.random.default_rng(3)
    identities = random.permutation(np.arange(1, 4 * CATEGORIES, 4)).tolist()
    boxes = []
    for number in range(1, 20 * CATEGORIES):
        box = [*random.uniform(0, 300, 2), *random.uniform(5, 200, 2)]
        place = {"image_id": int(random.integers(IMAGES)), "category_id": int(random.choice(identities[1:]))}
        boxes.append(
            {**place, "id": number, "bbox": box, "area": box[2] * box[3], "iscrowd": int(number % 50 == 0)}
        )
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in range(IMAGES)],
        "categories": [{"id": identity, "name": f"class {identity}"} for identity in identities],
        "annotations": boxes,
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def rows(annotations: Path) -> Rows:
    """Detections near the boxes, some of another category or of an unknown one."""
    random = np.random.default_rng(4)
    truth = json.loads(annotations.read_text())["annotations"]
    identities = [box["category_id"] for box in truth]
    near = [
        (box["image_id"], *np.abs(box["bbox"] + random.normal(0, 8, 4)), random.random(), category)
        for box in truth
        for category in (box["category_id"], box["category_id"], int(random.choice([*identities, UNKNOWN])))
    ]
    return np.array(near, np.float64)


@pytest.mark.parametrize("tool", ["faster-coco-eval", "hotcoco"])
def test_parts_give_the_numbers_of_the_whole(annotations: Path, rows: Rows, tool: str) -> None:
    ours = evaluate(annotations, rows, range(IMAGES), tool)
    reference = evaluate(annotations, rows, range(IMAGES), "pycocotools")
    assert {**ours, "tool": "", "tool_version": ""} == {**reference, "tool": "", "tool_version": ""}
    assert list(ours["per_class"]) == list(reference["per_class"])
    assert list(ours["per_class"].values()).count(None) == 1
    assert 0 < ours["mAP"] < 1


def test_only_a_part_s_boxes_are_made_objects_at_a_time(annotations: Path, rows: Rows) -> None:
    sizes: list[int] = []

    class Counting(COCO):
        def createIndex(self) -> Any:  # noqa: N802 - the tool's name
            sizes.append(len(self.dataset["annotations"]))
            assert len(self.dataset["categories"]) <= CATEGORIES_AT_ONCE
            return super().createIndex()

    found = evaluate_in_parts(Tool(Counting, COCOeval_faster), read_truth(annotations), rows, range(IMAGES))
    assert len(sizes) == 6
    assert max(sizes) < len(rows) / 2
    assert found.precision.shape[2] == found.recall.shape[1] == len(found.categories) == CATEGORIES


@pytest.mark.parametrize("right", [1, 2, 3])
@pytest.mark.parametrize("objects", [3, 40, 70])  # 70: of COCO's recalls, none is that of two objects
def test_the_first_right_detections_have_pycocotools_precisions(
    tmp_path: Path, objects: int, right: int
) -> None:
    places = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    boxes = [[50.0 * number, 0.0, 40.0, 40.0] for number in range(objects)]
    content = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 4000, "height": 480}],
        "categories": [{"id": 1, "name": "only"}],
        "annotations": [
            {**places, "id": number, "bbox": box, "area": 1600} for number, box in enumerate(boxes, start=1)
        ],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    wrong = [0.0, 300.0, 40.0, 40.0]
    found = [*boxes[:right], wrong, *boxes[right:]]
    rows = np.array([(1, *box, 0.9 - number / 100, 1) for number, box in enumerate(found)])
    ours = evaluate_in_parts(Tool(COCO, COCOeval_faster), read_truth(path), rows, [1])
    theirs = evaluate_whole(Tool(REFERENCE, COCOeval), path, read_truth(path), rows, [1])
    np.testing.assert_array_equal(ours.precision, theirs.precision)
    columns = evaluate_columns(hotcoco, read_truth(path), rows, [1])
    np.testing.assert_array_equal(columns.precision, theirs.precision)
    np.testing.assert_array_equal(columns.recall, theirs.recall)
