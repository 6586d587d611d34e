"""Pascal VOC's and Open Images' metrics of whole data sets: which marks count, means, notes, refusals.

That the numbers are the Object Detection API's own is in tests/e2e/test_api_metrics.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.coco.metric_types import AT_HALF, MetricChoice, metric_type
from ckssd.coco.metrics import evaluate, main
from ckssd.errors import InputError, UsageError

BOX, OTHER = [0, 0, 10, 10], [50, 50, 20, 20]


def written(folder: Path, annotations: list[dict[str, Any]], **images: Any) -> Path:
    """Two images and categories 1 to 3; annotations are of image 1 and category 1 unless they say else."""
    content = {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 90, "height": 90, **images}
            for number in (1, 2)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate("abc", 1)],
        "annotations": [{"image_id": 1, "category_id": 1, **one} for one in annotations],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


def found(box: list[float], score: float, category: int = 1, image: int = 1) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": box, "score": score}


def measured(path: Path, detections: list[dict[str, Any]], metric: str, **more: Any) -> dict[str, Any]:
    return evaluate(path, detections, [1, 2], choice=MetricChoice(metric, **more))


@pytest.mark.parametrize(
    "mark",
    [
        {"difficult": 1},
        {"difficult": True},
        {"difficult": "1"},
        {"ignore": 1},
        {"attributes": {"difficult": True}},
        {"iscrowd": 1},
    ],
    ids=str,
)
def test_voc_leaves_difficult_objects_and_their_detections_out(tmp_path: Path, mark: dict[str, Any]) -> None:
    path = written(tmp_path, [{"bbox": BOX}, {"bbox": OTHER, **mark}])
    both = [found(BOX, 0.5), found(OTHER, 0.9)]
    assert measured(path, both, "voc")["per_class"] == {"a": 1.0, "b": None, "c": None}
    assert measured(path, both[1:], "voc")["per_class"]["a"] == 0.0
    unmarked = written(tmp_path, [{"bbox": BOX}, {"bbox": OTHER}])
    assert measured(unmarked, both[:1], "voc")["per_class"]["a"] == 0.5


@pytest.mark.parametrize("mark", [{"is_group_of": 1}, {"iscrowd": 1}, {"attributes": {"is_group_of": True}}])
def test_open_images_takes_a_crowd_or_group_as_one(tmp_path: Path, mark: dict[str, Any]) -> None:
    path = written(tmp_path, [{"bbox": BOX}, {"bbox": OTHER, **mark}])
    inside = [found(BOX, 0.5), found([55, 55, 5, 5], 0.9), found([60, 60, 5, 5], 0.8)]
    assert measured(path, inside, "oid")["per_class"]["a"] == 1.0
    assert measured(path, inside, "oid-challenge")["per_class"]["a"] == 1.0
    assert measured(path, inside[:1], "oid")["per_class"]["a"] == 1.0
    assert measured(path, inside[:1], "oid-challenge")["per_class"]["a"] == 0.5


@pytest.mark.parametrize("metric", ["coco", "oid"])
def test_a_metric_without_difficult_objects_says_that_they_count(tmp_path: Path, metric: str) -> None:
    path = written(tmp_path, [{"bbox": BOX, "difficult": 1}])
    result = measured(path, [found(BOX, 0.5)], metric)
    assert result["mAP"] == pytest.approx(1.0)
    (note,) = result["metric_notes"]
    assert note.startswith("1 object marked difficult or ignore count as any other")
    assert note in result["notes"]


def test_the_two_vocs_and_the_mean_over_classes(tmp_path: Path) -> None:
    path = written(tmp_path, [{"bbox": BOX}, {"bbox": OTHER}, {"bbox": BOX, "category_id": 3, "image_id": 2}])
    detections = [found(BOX, 0.9), found(BOX, 0.8), found(OTHER, 0.7), found(BOX, 0.9, 3)]
    later, earlier = (measured(path, detections, metric) for metric in ("voc", "voc2007"))
    assert later["per_class"] == {"a": pytest.approx(0.5 + 0.5 * 2 / 3), "b": None, "c": 0.0}
    assert earlier["per_class"]["a"] == pytest.approx((6 + 5 * 2 / 3) / 11)
    for result in (later, earlier):
        assert result["mAP"] == pytest.approx(result["per_class"]["a"] / 2)
        assert result["recall"] == result["metrics"]["recall50"] == 0.5
    assert later["metrics"] == earlier["metrics"]
    assert later["mAP"] == later["metrics"]["AP50"] != earlier["mAP"] == earlier["metrics"]["AP50_11_points"]
    assert (later["tool"], later["detections"], later["images"]) == ("ckssd", 4, 2)


def test_detections_without_an_area_or_of_no_category_do_not_count(tmp_path: Path) -> None:
    path = written(tmp_path, [{"bbox": BOX}])
    odd = [found([0, 0, 0, 10], 0.9), found([5, 5, 10, 0], 0.9), found(BOX, 0.9, 77)]
    assert measured(path, [*odd, found(BOX, 0.5)], "voc")["mAP"] == 1.0


def test_the_challenge_counts_detections_of_verified_classes_only(tmp_path: Path) -> None:
    """Category 2 is in image 1; image 2 says nothing of it, or that it is not there."""
    boxes = [{"bbox": BOX, "category_id": 2}]
    detections = [found(BOX, 0.5, 2), found(BOX, 0.9, 2, image=2)]
    silent = measured(written(tmp_path, boxes), detections, "oid-challenge")
    assert silent["per_class"]["b"] == 1.0
    assert any("no image has labels" in note for note in silent["notes"])
    absent = measured(written(tmp_path, boxes, neg_category_ids=[2]), detections, "oid-challenge")
    assert absent["per_class"]["b"] == 0.5
    present = measured(written(tmp_path, boxes, pos_category_ids=[2]), detections, "oid-challenge")
    assert present["per_class"]["b"] == 0.5
    assert not present["metric_notes"]
    assert measured(written(tmp_path, boxes), detections, "oid")["per_class"]["b"] == 0.5


def test_a_hierarchy_lets_objects_count_for_wider_classes(tmp_path: Path) -> None:
    path = written(tmp_path, [{"bbox": BOX}])
    tree = tmp_path / "tree.json"
    tree.write_text(json.dumps({"Subcategory": [{"LabelName": "b", "Subcategory": [{"LabelName": "a"}]}]}))
    detections = [found(BOX, 0.5)]
    assert measured(path, detections, "oid")["per_class"] == {"a": 1.0, "b": None, "c": None}
    truth_only = measured(path, detections, "oid", hierarchy=tree)
    assert truth_only["per_class"] == {"a": 1.0, "b": 0.0, "c": None}
    assert "detections as the model gives them" in truth_only["metric_notes"][-1]
    both = measured(path, detections, "oid", hierarchy=tree, expand="both")
    assert both["per_class"] == {"a": 1.0, "b": 1.0, "c": None}
    labelled = written(tmp_path, [{"bbox": BOX}], neg_category_ids=[2])
    wrong = [*detections, found(BOX, 0.9, 1, image=2)]
    challenge = measured(labelled, wrong, "oid-challenge", hierarchy=tree)
    assert challenge["per_class"]["a"] == 0.5  # image 2 has no b, and so no a


def test_other_orders_of_what_is_in_the_files_change_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    boxes = [
        {"bbox": [*random.uniform(0, 40, 2), *random.uniform(5, 30, 2)], "category_id": int(c), "iscrowd": 0}
        for c in random.integers(1, 4, 30)
    ]
    detections = [
        found((np.array(one["bbox"]) + random.normal(0, 2, 4)).clip(0.1).tolist(), random.random(), c)
        for one in boxes
        for c in (one["category_id"], 1)
    ]
    first = measured(written(tmp_path, boxes), detections, "oid")
    again = measured(written(tmp_path, boxes[::-1]), detections[::-1], "oid")
    assert again == first
    assert 0 < first["mAP"] < 1


def test_ids_from_zero_on_are_categories_as_any(tmp_path: Path) -> None:
    path = written(tmp_path, [{"bbox": BOX}])
    content = json.loads(path.read_text())
    content["categories"][0]["id"] = content["annotations"][0]["category_id"] = 0
    path.write_text(json.dumps(content))
    assert measured(path, [found(BOX, 0.5, 0)], "voc")["mAP"] == 1.0


@pytest.mark.parametrize(
    ("metric", "mark"), [("voc", {"difficult": 1}), ("voc2007", {"iscrowd": 1}), ("oid", {"iscrowd": 1})]
)
def test_nothing_to_find_is_refused(tmp_path: Path, metric: str, mark: dict[str, Any]) -> None:
    path = written(tmp_path, [{"bbox": BOX, **mark}])
    with pytest.raises(InputError, match=f"at least one annotation of an? object that {metric} counts"):
        measured(path, [], metric)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"difficult": 2}, "annotations[0].difficult"),
        ({"ignore": "perhaps"}, "annotations[0].ignore"),
        ({"is_group_of": [1]}, "annotations[0].is_group_of"),
    ],
)
def test_a_mark_that_is_none_is_one_line(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        measured(written(tmp_path, [{"bbox": BOX, **change}]), [], "voc")
    assert f"{place} (expected 0 or 1" in str(caught.value)


@pytest.mark.parametrize("key", ["pos_category_ids", "neg_category_ids"])
@pytest.mark.parametrize("value", [3, "1", ["cat"], [None], {"a": 1}], ids=str)
def test_labels_of_an_image_are_a_list_of_ids(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"images\[0\]\.{key} \(expected a list of category ids"):
        measured(written(tmp_path, [{"bbox": BOX}], **{key: value}), [], "oid-challenge")


def test_kitti_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError) as caught:
        metric_type("CK_METRIC_TYPE", "KITTI")
    assert "truncation, occlusion and DontCare areas" in str(caught.value)
    assert "coco, voc, voc2007, oid, oid-challenge" in str(caught.value)


def test_a_hierarchy_is_for_open_images_only(tmp_path: Path) -> None:
    for name in ("coco", "voc", "voc2007"):
        with pytest.raises(UsageError, match="Open Images' metrics only"):
            MetricChoice(name, tmp_path)
    with pytest.raises(UsageError, match="by a hierarchy"):
        MetricChoice("oid", expand="both")


@pytest.mark.parametrize("metric", AT_HALF)
def test_the_process_of_the_metrics_knows_them_all(tmp_path: Path, metric: str) -> None:
    path, detections, output = (
        written(tmp_path, [{"bbox": BOX}]),
        tmp_path / "found.json",
        tmp_path / "out.json",
    )
    detections.write_text(json.dumps([found(BOX, 0.5)]))
    files = ["--annotations", str(path), "--detections", str(detections), "--output", str(output)]
    assert main([*files, "--metric", metric]) == 0
    assert json.loads(output.read_text())["mAP"] == pytest.approx(1.0)
