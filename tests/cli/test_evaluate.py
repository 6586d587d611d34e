"""``ckssd evaluate`` with other metrics than COCO's, for which nothing has to be installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BOX = [0, 0, 10, 10]


def evaluate(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    files = ["--annotations", str(folder / "instances.json"), "--detections", str(folder / "found.json")]
    command = [sys.executable, "-m", "ckssd", "evaluate", *files, *flags]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ein Ordner"
    made.mkdir()
    place = {"image_id": 1, "category_id": 1}
    annotations = [{**place, "bbox": BOX}, {**place, "bbox": [50, 50, 9, 9], "difficult": 1}]
    content = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 90, "height": 90}],
        "categories": [{"id": 1, "name": "Kater"}, {"id": 2, "name": "Tier"}],
        "annotations": annotations,
    }
    (made / "instances.json").write_text(json.dumps(content))
    (made / "found.json").write_text(json.dumps([{**place, "bbox": BOX, "score": 0.5}]))
    tree = {"Subcategory": [{"LabelName": "Tier", "Subcategory": [{"LabelName": "Kater"}]}]}
    (made / "tree.json").write_text(json.dumps(tree))
    return made


def test_it_names_the_metric_and_prints_ap_by_class(folder: Path) -> None:
    done = evaluate(folder, "--metric-type", "voc")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["mAP: 1.0", "Recall: 1.0"]
    assert lines[2].startswith("Metric: voc, Pascal VOC 2010")
    assert {"AP of Kater: 1.0", "AP of Tier: nothing to find", "AP50_11_points: 1.0"} <= set(lines)


def test_a_hierarchy_is_named_by_a_flag(folder: Path) -> None:
    flags = ("--metric-type=oid", "--hierarchy=tree.json", "--expand=both", "--json")
    done = evaluate(folder, *flags)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["per_class"] == {"Kater": 0.5, "Tier": 0.5}
    assert any("1 detection as 1 more" in note for note in data["notes"])


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--metric-type=KITTI"], 2, "DontCare areas"),
        (["--metric-type=best"], 2, "coco or voc or voc2007 or oid or oid-challenge, got 'best'"),
        (["--metric-type=voc", "--tool=pycocotools"], 2, "--tool names a tool for COCO's metrics only"),
        (["--metric-type=voc", "--hierarchy=tree.json"], 2, "in Open Images' metrics only"),
        (["--metric-type=oid", "--hierarchy=gone.json"], 2, "--hierarchy has no value"),
        (["--metric-type=oid", "--hierarchy=found.json"], 3, "The hierarchy's classes are no JSON object"),
        (["--metric-type=oid", "--expand=both"], 2, "by a hierarchy of classes"),
        (["--metric-type=oid", "--hierarchy=tree.json", "--expand=all"], 2, "ground-truth or both"),
    ],
)
def test_what_does_not_fit_is_one_line(folder: Path, flags: list[str], code: int, said: str) -> None:
    done = evaluate(folder, *flags)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert said in line
    assert done.stdout == ""
