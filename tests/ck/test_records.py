"""`ck list ssd`, `ck show ssd`, `ck report ssd`: the benchmarks that CK has recorded, listed and shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox
from tests.visual.test_page import Read


def record(runtime: str, **more: Any) -> dict[str, Any]:
    settings = {"runtime": runtime, "model_name": "m", "images": 8, "annotations_sha256": "0" * 64}
    numbers = {
        "mAP": 0.5,
        "recall": 0.6,
        "images_per_second": 20.0,
        "per_class": {"<i>cat": 0.5, "dog": None},
    }
    return {**numbers, "settings": {**settings, **more}}


def add(home: Sandbox, name: str, points: list[dict[str, Any]]) -> Path:
    """An experiment entry in which CK has recorded such points, a day after each other."""
    asked = home.folder / "asked.json"
    seen: set[Path] = set()
    for number, point in enumerate(points):
        run = {"features": {}, "choices": {"number": number}, "characteristics_list": [{"run": point}]}
        given = {"dict": {**run, "tags": ["object-detection", name]}}
        asked.write_text(json.dumps(given))
        done = home.ck("add", "experiment", f"--experiment_uoa={name}", f"@{asked}")
        assert done.code == 0, done.text
        folder = Path(home.ck("find", f"experiment:{name}").out.strip().splitlines()[-1])
        (new,) = {*folder.glob("*.0001.json")} - seen
        os.utime(new, (1_700_000_000 + number * 86_400,) * 2)
        seen.add(new)
    return folder


@pytest.fixture
def home(sandbox: Sandbox) -> Sandbox:
    add(sandbox, "mine", [record("litert"), record("openvino", precision="int8"), {"execution_time": 1.0}])
    return sandbox


def test_recorded_benchmarks_are_listed_newest_first(home: Sandbox) -> None:
    done = home.ck("list", "ssd")
    assert done.code == 0, done.text
    heading, newest, oldest = done.out.strip().splitlines()
    assert heading.split() == [
        "date",
        "experiment",
        "runtime",
        "model",
        "precision",
        "images",
        "mAP",
        "images/s",
    ]
    assert newest.split() == [
        *("2023-11-15", "22:13:20", "mine", "openvino", "m", "int8", "8", "0.5000", "20.0")
    ]
    assert oldest.startswith("2023-11-14 22:13:20  mine        litert")
    assert home.ck("show", "ssd").out == done.out
    assert "no benchmark yet" in home.ck("list", "ssd", "--tags=another").out


def test_a_report_of_them_says_what_ck_does_not_keep(home: Sandbox, tmp_path: Path) -> None:
    place = tmp_path / "a report.html"
    done = home.ck("report", "ssd", "--tags=object-detection", f"--output={place}")
    assert done.code == 0, done.text
    assert done.out.strip() == f"Report: {place}"
    words = " ".join(" ".join(Read(place.read_text()).texts).split())
    assert "openvino int8 (2023-11-15 22:13:20) or litert (2023-11-14 22:13:20)?" in words
    assert "CK records a run's numbers, not its detections" in words
    assert "<i>cat" in words
    data = json.loads(home.ckssd("report", "experiment:mine", "--json").out)["data"]
    assert data["comparison"]["same_data"] is True
    assert [run["answer"]["runtime"] for run in data["runs"]] == ["openvino", "litert"]


def test_runs_of_other_pictures_are_not_ranked(home: Sandbox, tmp_path: Path) -> None:
    add(home, "other", [record("onnx", annotations_sha256="1" * 64)])
    place = tmp_path / "report.html"
    assert home.ckssd("report", "--tags=object-detection", "-o", str(place)).code == 0
    assert "so their mAP cannot be compared" in place.read_text()


def test_what_is_not_there_or_broken_is_one_line(home: Sandbox) -> None:
    done = home.ck("report", "ssd", "--tags=nothing")
    assert done.code == 4
    assert "CK has recorded no benchmark of this kind: --tags=nothing" in done.text
    (broken,) = add(home, "broken", [record("litert")]).glob("*.0001.json")
    broken.write_text("{")
    done = home.ckssd("report", "experiment:broken")
    assert done.code == 3
    assert done.err.strip().startswith("ckssd report: The recorded points are no JSON")
    done = home.ckssd("report", "experiment:mine", "another")
    assert done.code == 2
