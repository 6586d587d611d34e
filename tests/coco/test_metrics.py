"""COCO metrics: all tools give the same numbers to the last digit, on sets with every odd case."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ckssd.coco.metrics import STATS, TOOLS, evaluate, main
from ckssd.coco.results import rows_of
from ckssd.errors import EnvironmentSetupError, InputError

IMAGES = 25
CASES = int(os.environ.get("CKSSD_METRIC_CASES", "60"))


def data_set(
    seed: int, number: int = IMAGES, crowds: float = 0.15, levels: int | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Random truth and detections: crowds, images without objects, ties, more than 100 in an image.

    ``levels``: so many different scores in all.
    """
    chance = random.Random(seed)
    images = [
        {"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480}
        for number in range(1, number + 1)
    ]
    categories = [{"id": number, "name": f"class {number}"} for number in (1, 2, 3, 7, 90)]
    annotations: list[dict[str, Any]] = []
    detections: list[dict[str, Any]] = []
    for image in images:
        for _ in range(chance.choice([0, 0, 1, 3, 12])):
            width, height = chance.uniform(4, 300), chance.uniform(4, 200)
            box = [chance.uniform(0, 300), chance.uniform(0, 200), width, height]
            category = chance.choice([1, 2, 3, 7])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": box,
                    "area": width * height * 0.8,
                    "iscrowd": int(chance.random() < crowds),
                    "segmentation": [[0, 0, 1, 0, 1, 1]],
                }
            )
            for _ in range(chance.choice([0, 1, 2])):
                shifted = [value + chance.uniform(-6, 6) for value in box[:2]] + [
                    v * chance.uniform(0.8, 1.2) for v in box[2:]
                ]
                found = {"image_id": image["id"], "category_id": category, "bbox": shifted}
                detections.append({**found, "score": chance.choice([0.3, 0.5, chance.random()])})
        for _ in range(chance.choice([0, 0, 2, 130])):
            found = {"image_id": image["id"], "category_id": chance.choice([1, 90])}
            box = [
                chance.uniform(0, 600),
                chance.uniform(0, 400),
                chance.uniform(1, 40),
                chance.uniform(1, 40),
            ]
            detections.append({**found, "bbox": box, "score": chance.random()})
    if levels is not None:
        for detection in detections:
            detection["score"] = chance.randint(1, levels) / (levels + 1)
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}, detections


def written(folder: Path, truth: dict[str, Any]) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps(truth), encoding="utf-8")
    return path


def without_tool(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if not key.startswith("tool")}


def agreed(path: Path, detections: list[dict[str, Any]], ids: list[int]) -> dict[str, Any]:
    """What every tool gives."""
    reference, *others = (without_tool(evaluate(path, detections, ids, tool)) for tool in TOOLS)
    for other, tool in zip(others, TOOLS[1:], strict=True):
        assert other == reference, tool
    return reference


def refused_by_all(path: Path, ids: list[int]) -> None:
    for tool in TOOLS:
        with pytest.raises(InputError, match=r"nothing to evaluate with: .*instances\.json"):
            evaluate(path, [], ids, tool)


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    images=st.integers(1, IMAGES),
    crowds=st.sampled_from([0.0, 0.15, 1.0]),
    levels=st.sampled_from([None, 1, 3]),
    empty=st.booleans(),
)
def test_the_tools_agree_to_the_last_digit(
    tmp_path: Path, seed: int, images: int, crowds: float, levels: int | None, empty: bool
) -> None:
    truth, detections = data_set(seed, images, crowds, levels)
    path = written(tmp_path, truth)
    ids = list(range(1, images + 1))
    if not any(entry["image_id"] in ids and not entry["iscrowd"] for entry in truth["annotations"]):
        refused_by_all(path, ids)
        return
    fast = agreed(path, [] if empty else detections, ids)
    assert list(fast["metrics"]) == list(STATS)
    assert (fast["mAP"], fast["recall"]) == (fast["metrics"]["AP"], fast["metrics"]["AR100"])


def test_the_random_sets_have_what_tells_the_tools_apart() -> None:
    truth, detections = data_set(0)
    crowded = {entry["image_id"] for entry in truth["annotations"] if entry["iscrowd"]}
    in_image = Counter(detection["image_id"] for detection in detections)
    ties = Counter(detection["score"] for detection in detections)
    assert crowded
    assert set(range(1, IMAGES + 1)) - {entry["image_id"] for entry in truth["annotations"]}
    assert set(range(1, IMAGES + 1)) - set(in_image)
    assert max(in_image.values()) > 100
    assert max(ties.values()) > 1


def test_an_array_gives_the_same_numbers_as_the_list(tmp_path: Path) -> None:
    truth, detections = data_set(8)
    path, ids = written(tmp_path, truth), list(range(1, IMAGES + 1))
    assert evaluate(path, rows_of(detections), ids) == evaluate(path, detections, ids)


def test_the_numbers_are_pycocotools_own(tmp_path: Path) -> None:
    truth, detections = data_set(6)
    path = written(tmp_path, truth)
    reference = COCO(str(path))
    run = COCOeval(reference, reference.loadRes([dict(detection) for detection in detections]), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    ours = evaluate(path, detections, list(range(1, IMAGES + 1)))
    assert list(ours["metrics"].values()) == run.stats.tolist()


def test_the_tools_agree_on_a_part_of_the_images(tmp_path: Path) -> None:
    truth, detections = data_set(3)
    path = written(tmp_path, truth)
    part = [4, 2, 9, 17]
    some = [detection for detection in detections if detection["image_id"] in part]
    fast = agreed(path, some, part)
    cut = {**truth, "images": [image for image in truth["images"] if image["id"] in part]}
    cut["annotations"] = [entry for entry in truth["annotations"] if entry["image_id"] in part]
    assert evaluate(written(tmp_path, cut), some, part)["metrics"] == fast["metrics"]


@pytest.mark.parametrize("tool", TOOLS)
def test_no_detections_at_all_is_zero(tmp_path: Path, tool: str) -> None:
    truth, _ = data_set(1)
    result = evaluate(written(tmp_path, truth), [], list(range(1, IMAGES + 1)), tool)
    assert (result["mAP"], result["recall"], result["detections"]) == (0.0, 0.0, 0)


def test_nothing_to_find_is_refused(tmp_path: Path) -> None:
    truth, _ = data_set(1)
    for entry in truth["annotations"]:
        entry["iscrowd"] = 1
    refused_by_all(written(tmp_path, truth), list(range(1, IMAGES + 1)))
    truth["annotations"] = []
    refused_by_all(written(tmp_path, truth), list(range(1, IMAGES + 1)))


def test_perfect_detections_are_one_and_a_missing_class_costs_its_share(tmp_path: Path) -> None:
    truth, _ = data_set(2)
    for entry in truth["annotations"]:
        entry["iscrowd"] = 0
    perfect = [
        {"image_id": e["image_id"], "category_id": e["category_id"], "bbox": e["bbox"], "score": 0.9}
        for e in truth["annotations"]
    ]
    path, ids = written(tmp_path, truth), list(range(1, IMAGES + 1))
    whole = evaluate(path, perfect, ids)
    assert whole["mAP"] == pytest.approx(1.0)
    assert whole["per_class"] == {
        **dict.fromkeys(["class 1", "class 2", "class 3", "class 7"], 1.0),
        "class 90": None,
    }
    lost = evaluate(path, [detection for detection in perfect if detection["category_id"] != 2], ids)
    assert lost["mAP"] == pytest.approx(0.75)
    assert lost["per_class"]["class 2"] == 0.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tool", TOOLS)
def test_an_annotation_with_id_0_counts_as_any_other(tmp_path: Path, tool: str) -> None:
    truth, detections = data_set(6)
    ids = list(range(1, IMAGES + 1))
    expected = evaluate(written(tmp_path, truth), detections, ids, tool)
    for index, annotation in enumerate(truth["annotations"]):
        annotation["id"] = index
    assert evaluate(written(tmp_path, truth), detections, ids, tool) == expected


def on_a_grid(chance: random.Random, images: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Few boxes of sides 16 to 128 and detections exactly on some: IoUs and recalls are simple fractions.

    Areas are exactly COCO's limits, 32 * 32 and 96 * 96, too.
    """
    truth, _ = data_set(0, images)
    truth["annotations"] = []
    detections: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        for _ in range(chance.randint(0, 3)):
            side = chance.choice([16, 32, 96, 128])
            place = {"image_id": image, "category_id": chance.choice([1, 2])}
            box = [128 * chance.randint(0, 4), 128 * chance.randint(0, 2), side, side]
            annotation = {**place, "id": len(truth["annotations"]) + 1, "bbox": box, "area": side * side}
            truth["annotations"].append({**annotation, "iscrowd": 0})
            for _ in range(chance.choice([0, 1, 1, 2])):
                shift = chance.choice([0, 0, side // 4, 64])
                found = {**place, "bbox": [box[0] + shift, *box[1:]]}
                detections.append({**found, "score": chance.randint(1, 8) / 8})
    return truth, detections


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False), images=st.integers(1, 8))
def test_the_tools_agree_on_a_coarse_grid(tmp_path: Path, chance: random.Random, images: int) -> None:
    truth, detections = on_a_grid(chance, images)
    path, ids = written(tmp_path, truth), list(range(1, images + 1))
    if not truth["annotations"]:
        refused_by_all(path, ids)
        return
    agreed(path, detections, ids)


def test_ids_of_any_kind_are_evaluated_by_all(tmp_path: Path) -> None:
    """Negative, 0 and large ids of images and categories, in no order."""
    truth, detections = data_set(12)
    images = {number: (number - 3) * 10**9 for number in range(1, IMAGES + 1)}
    categories = {1: -4, 2: 0, 3: 10**6, 7: 5, 90: -90}
    for image in truth["images"]:
        image["id"] = images[image["id"]]
    for category in truth["categories"]:
        category["id"] = categories[category["id"]]
    for one in (*truth["annotations"], *detections):
        one["image_id"], one["category_id"] = images[one["image_id"]], categories[one["category_id"]]
    truth["images"].reverse()
    ids = [image["id"] for image in truth["images"]]
    agreed(written(tmp_path, truth), detections, ids)


@pytest.mark.parametrize("side", [32, 96])
@pytest.mark.parametrize("right", [1, 2, 3])
def test_a_first_detection_that_is_right_has_pycocotools_precision(
    tmp_path: Path, right: int, side: int
) -> None:
    """Three objects of an area at a limit between COCO's ranges, found by ``right`` detections of three."""
    truth, _ = data_set(0, 1)
    boxes = [[100 * number, 0, side, side] for number in range(3)]
    places = {"image_id": 1, "category_id": 1}
    truth["annotations"] = [
        {**places, "id": number, "bbox": box, "area": side * side, "iscrowd": 0}
        for number, box in enumerate(boxes, start=1)
    ]
    detections = [
        {**places, "bbox": box if number < right else [400, 300, side, side], "score": 0.9 - number / 10}
        for number, box in enumerate(boxes)
    ]
    fast = agreed(written(tmp_path, truth), detections, [1])
    in_ranges = ("small", "medium") if side == 32 else ("medium", "large")
    assert {fast["metrics"][f"AR{name}"] for name in in_ranges} == {fast["metrics"]["AR100"]}


def test_detections_are_not_changed(tmp_path: Path) -> None:
    truth, detections = data_set(4)
    before = json.dumps(detections)
    evaluate(written(tmp_path, truth), detections, list(range(1, IMAGES + 1)))
    assert json.dumps(detections) == before


def test_a_detection_of_an_image_that_was_not_run_is_refused(tmp_path: Path) -> None:
    truth, detections = data_set(0)
    with pytest.raises(InputError, match=r"do not fit the images: detections\[\d+\]\.image_id"):
        evaluate(written(tmp_path, truth), detections, [1])


def test_an_image_that_the_annotations_do_not_know_is_refused(tmp_path: Path) -> None:
    truth, _ = data_set(0)
    with pytest.raises(InputError, match="expected ids of its images, got 99"):
        evaluate(written(tmp_path, truth), [], [1, 99])


@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    module = "pycocotools.coco" if tool == "pycocotools" else tool.replace("-", "_")
    monkeypatch.setitem(sys.modules, module, None)
    truth, _ = data_set(0)
    with pytest.raises(EnvironmentSetupError, match=rf"expected {tool}.*tags tool,coco"):
        evaluate(written(tmp_path, truth), [], [1], tool)


def test_an_environment_from_before_hotcoco_takes_an_equal_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, detections = data_set(5)
    path, found, output = written(tmp_path, truth), tmp_path / "found.json", tmp_path / "metrics.json"
    found.write_text(json.dumps(detections))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "hotcoco" else find(name))
    assert main(["--annotations", str(path), "--detections", str(found), "--output", str(output)]) == 0
    result = json.loads(output.read_text())
    assert result["tool"] == "faster-coco-eval"
    assert "installed without hotcoco" in result["notes"][-1]


def test_the_command_reads_and_writes_json(tmp_path: Path) -> None:
    truth, detections = data_set(5)
    path = written(tmp_path, truth)
    (tmp_path / "detections.json").write_text(json.dumps(detections))
    output = tmp_path / "metrics.json"
    arguments = [
        "--annotations",
        str(path),
        "--detections",
        str(tmp_path / "detections.json"),
        "--output",
        str(output),
    ]
    assert main([*arguments, "--tool", "pycocotools"]) == 0
    result = json.loads(output.read_text())
    assert result["metrics"] == evaluate(path, detections, list(range(1, IMAGES + 1)))["metrics"]
    assert (result["tool"], result["images"]) == ("pycocotools", IMAGES)


def test_the_command_says_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "detections.json").write_text("{}")
    output = tmp_path / "metrics.json"
    code = main(
        [
            "--annotations",
            "no.json",
            "--detections",
            str(tmp_path / "detections.json"),
            "--output",
            str(output),
        ]
    )
    assert code == 3
    assert capsys.readouterr().err.startswith("ckssd evaluate: The detections are no list")
    assert not output.exists()
