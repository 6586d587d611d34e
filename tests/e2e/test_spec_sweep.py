"""`ckssd sweep SPEC.toml`: each detector has the points of a sweep of it alone; finished runs stay."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox

COUNT = 12
SPEC = f"""
models = ["shapes"]
runtimes = ["litert", "openvino"]
threads = [1, 2]
score_threshold = [0.3, 0.5, 0.7]
count = {COUNT}
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("the sweep") / "sweep.toml"
    path.write_text(SPEC)
    return path


def data_of(installed: Sandbox, *words: str) -> dict[str, Any]:
    done = installed.ckssd(*words, "--json")
    assert done.code == 0, done.text
    found: dict[str, Any] = json.loads(done.out)["data"]
    return found


def test_points_are_those_of_each_detector_alone_and_a_second_run_has_nothing_to_do(
    installed: Sandbox, spec: Path
) -> None:
    kept, table = spec.parent / "kept", spec.parent / "points.csv"
    words = ("sweep", str(spec), "--run-folder", str(kept), "--output", str(table))
    runs = data_of(installed, *words)["runs"]
    assert [(run["runtime"], run["threads"], run["only_speed"]) for run in runs] == [
        *(("litert", 1, False), ("litert", 2, True)),
        *(("openvino", 1, False), ("openvino", 2, True)),
    ]
    alone = data_of(
        installed,
        "sweep",
        "--tags=shapes",
        f"--count={COUNT}",
        "--threads=2",
        "--score-threshold=0.3,0.5,0.7",
    )
    assert runs[0]["points"] == alone["points"]
    assert runs[0]["run"]["detections_sha256"] == alone["run"]["detections_sha256"]
    rows = list(csv.DictReader(table.open()))
    assert {row["runtime"] for row in rows} == {"litert", "openvino"}
    assert len(rows) == sum(len(run["points"]) for run in runs)

    again = installed.ckssd(*words)
    assert again.code == 2
    assert "The folder has a sweep" in again.err
    first = min(kept.glob("*.json"))
    times = {path: path.stat().st_mtime_ns for path in kept.glob("*.json")}
    first.write_text("{}")
    resumed = installed.ckssd(*words, "--resume")
    assert resumed.code == 0, resumed.text
    assert resumed.err.count("has it") == 3
    assert "it is run again" in resumed.err
    after = {path: path.stat().st_mtime_ns for path in kept.glob("*.json")}
    assert {path for path in times if times[path] != after[path]} == {first}


@pytest.mark.full
def test_a_dry_run_says_what_would_run_and_for_how_long(installed: Sandbox, spec: Path) -> None:
    plan = data_of(installed, "sweep", str(spec), "--dry-run")
    assert len(plan["runs"]) == 4
    assert {run["images"] for run in plan["runs"]} == {COUNT}
    assert 0 < plan["hours"] < 1


def test_what_cannot_be_swept_is_said_before_anything_runs(installed: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text('models = ["shapes", "no-such-model"]')
    missing = installed.ckssd("sweep", str(path))
    assert missing.code == 4
    assert "no-such-model" in missing.err
    path.write_text('models = ["shapes"]')
    other = installed.ckssd("sweep", str(path), "--count=5")
    assert other.code == 2
    assert "SPEC.toml says what is swept (got --count)" in other.err
    alone = installed.ckssd("sweep", "--dry-run")
    assert "--dry-run goes with SPEC.toml" in alone.err
