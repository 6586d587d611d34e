"""What a report shows of accuracy is what the metrics and the sweep say of the same detections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.coco.analysis import THRESHOLDS, analyse, main
from ckssd.coco.matching import match
from ckssd.coco.metrics import evaluate
from ckssd.coco.operating import points
from ckssd.coco.results import Rows, rows_of
from ckssd.coco.truth import read_truth
from ckssd.errors import InputError
from tests.coco.test_metrics import data_set, written

IDS = list(range(1, 26))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    truth, found = data_set(7)
    return written(tmp_path_factory.mktemp("set"), truth), rows_of(found)


@pytest.fixture(scope="module")
def found(files: tuple[Path, Rows]) -> dict[str, Any]:
    return analyse(*files, IDS)


def test_the_numbers_are_those_of_pycocotools(files: tuple[Path, Rows], found: dict[str, Any]) -> None:
    reference = evaluate(*files, IDS, "pycocotools")
    assert found["metrics"] == reference["metrics"]
    expected = {name: value for name, value in reference["per_class"].items() if value is not None}
    assert {one["name"]: one["ap"] for one in found["classes"] if one["ap"] is not None} == expected
    averages = [one["ap"] for one in found["classes"] if one["ap"] is not None]
    assert averages == sorted(averages, reverse=True)
    assert [one["ap"] for one in found["sizes"]] == [
        None if reference["metrics"][name] < 0 else reference["metrics"][name]
        for name in ("APsmall", "APmedium", "APlarge")
    ]


def test_the_area_below_each_curve_is_ap(found: dict[str, Any]) -> None:
    for curve, name in (("0.50", "AP50"), ("0.75", "AP75"), ("mean", "AP")):
        assert np.mean(found["curves"][curve]) == pytest.approx(found["metrics"][name], abs=1e-12)


def test_points_are_those_of_a_sweep(tmp_path: Path) -> None:
    truth, detections = data_set(11)
    detections = [
        one for one in detections if one["category_id"] != 90
    ]  # above 100 of a class an image, COCO cuts
    rows = rows_of(detections)
    counted = np.array([list(rows[:, 0]).count(image) <= 100 for image in rows[:, 0]])
    path, rows = written(tmp_path, truth), rows[counted]
    names = {one["id"]: one["name"] for one in truth["categories"]}
    swept = points(match(read_truth(path), rows, IDS, 0.5), THRESHOLDS, names)
    expected = [(one.precision, one.recall, one.f1) for one in swept if one.category_id is None]
    got = analyse(path, rows, IDS)["thresholds"]
    assert [(one["precision"], one["recall"], one["f1"]) for one in got["points"]] == expected
    assert got["best"]["f1"] == max(f1 for *_, f1 in expected if f1 is not None)


def test_every_counted_detection_is_in_the_histogram(files: tuple[Path, Rows], found: dict[str, Any]) -> None:
    bins = found["calibration"]["bins"]
    shown = sum(found["scores"]["right"]) + sum(found["scores"]["wrong"])
    assert shown == sum(one["detections"] for one in bins) <= len(files[1])


def test_the_matrix_counts_each_object_once(found: dict[str, Any]) -> None:
    matrix = np.array(found["confusion"]["matrix"])
    assert len(matrix) == len(found["confusion"]["classes"]) + 1
    assert matrix[:-1].sum() >= found["objects"]  # a crowd is in it, too
    pairs = {(one["truth"], one["found"]): one["count"] for one in found["confusion"]["pairs"]}
    classes = found["confusion"]["classes"]
    for row, name in enumerate(classes):
        for column, other in enumerate(classes):
            if row != column:
                assert matrix[row][column] == pairs.get((name, other), 0)


def test_no_detections_are_no_error(files: tuple[Path, Rows]) -> None:
    nothing = analyse(files[0], np.empty((0, 7)), IDS)
    assert nothing["metrics"]["AP"] == 0
    assert nothing["thresholds"]["best"] is None
    assert nothing["errors"]["kinds"][-1]["count"] == nothing["objects"] > 0


def test_600_classes_are_pairs_and_no_matrix(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg", "width": 900, "height": 900}]
    boxes = [[float(10 * (n % 60)), float(30 * (n // 60)), 9.0, 9.0] for n in range(600)]
    truth = {
        "images": images,
        "categories": [{"id": n + 1, "name": f"class {n}"} for n in range(600)],
        "annotations": [
            {"id": n + 1, "image_id": 1, "category_id": n + 1, "bbox": box, "area": 81, "iscrowd": 0}
            for n, box in enumerate(boxes)
        ],
    }
    found = [
        {"image_id": 1, "category_id": n + 2, "bbox": box, "score": 0.9} for n, box in enumerate(boxes[:99])
    ]
    result = analyse(written(tmp_path, truth), rows_of(found), [1])
    assert len(result["classes"]) == 600
    assert result["confusion"]["matrix"] is None


def test_detections_of_another_image_are_refused(files: tuple[Path, Rows], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not fit the images"):
        analyse(*files, IDS[:3])
    rows, ids, out, error = (tmp_path / name for name in ("rows.npy", "ids.json", "out.json", "error.json"))
    np.save(rows, files[1])
    ids.write_text("[1]")
    words = ["--annotations", str(files[0]), "--detections", str(rows), "--images", str(ids)]
    assert main([*words, "--output", str(out), "--error", str(error)]) == 3
    assert json.loads(error.read_text())["what"] == "The detections do not fit the images"
    assert not out.exists()
