"""`ckssd sweep` with files: nothing runs and nothing has to be installed; what does not fit is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckssd.cli.main import main
from tests.coco.test_metrics import data_set, written


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    truth, detections = data_set(4, number=8)
    found = tmp_path / "found.json"
    found.write_text(json.dumps(detections))
    return ["--annotations", str(written(tmp_path, truth)), "--detections", str(found)]


def test_the_envelope_has_the_choices_and_every_point(
    files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *files, "--recall", "0.2", "--json"]) == 0
    data = json.loads(capfd.readouterr().out)["data"]
    assert set(data) == {"iou", "images", "wanted", "best", "classes", "points", "run", "notes"}
    assert data["wanted"] == {"precision": None, "recall": 0.2}
    assert data["best"]["recall"]["recall"] >= 0.2
    assert data["best"]["f1"]["f1"] == max(
        point["f1"] for point in data["points"] if point["category_id"] is None
    )


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_all_points_are_written(files: list[str], tmp_path: Path, name: str) -> None:
    place = tmp_path / "a new folder" / name
    assert main(["sweep", *files, "--score-threshold", "0.5", "--output", str(place)]) == 0
    text = place.read_text()
    assert text.startswith("nms_iou,score_threshold,") if name.endswith("csv") else json.loads(text)["points"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model", "x.tflite"], "--detections are already there: nothing is run (got --model)"),
        (["--nms-iou", "0.5"], "--detections are already there: nothing is run (got --nms-iou)"),
        (["--iou", "0"], "--iou has no value that can be used"),
        (["--precision", "95"], "--precision has no value that can be used"),
        (["--score-threshold", "0.9:0.1:0.1"], "--score-threshold has no value that can be used"),
        (["--output", "points.txt"], "--output has no value that can be used"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    files: list[str], capfd: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(["sweep", *files, *more]) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"ckssd sweep: {said}")
    assert err.count("\n") == 1


def test_detections_without_annotations_are_refused(
    files: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *files[2:]]) == 2
    assert "--detections needs --annotations" in capfd.readouterr().err
