"""Runs side by side: differences to the first, intervals where runs can be paired, settings that differ."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ckssd.ck.failures import tell_failure
from ckssd.cli.demo_reports import keep, reports
from ckssd.errors import InputError
from ckssd.visual.make import Report
from ckssd.visual.page import page
from tests.visual.conftest import edited, whole_report
from tests.visual.test_page import Read
from tests.visual.test_report_data import SCHEMA, TIMER


@pytest.fixture
def another(results: Path, tmp_path: Path) -> Path:
    """The same run with another name for its runtime, and half as fast."""
    copy = Path(shutil.copytree(results, tmp_path / "another"))

    def change(record: dict[str, Any]) -> None:
        record["settings"]["runtime"] = "another"
        record["images_per_second"] /= 2

    edited(copy / TIMER, change)
    return copy


def shown(made: Report) -> dict[str, Any]:
    jsonschema.validate(json.loads(json.dumps(made.data)), SCHEMA, jsonschema.Draft202012Validator)
    Read(page(made.data, made.pictures))
    comparison: dict[str, Any] = made.data["comparison"]
    return comparison


def test_two_runs_are_compared_with_the_first(results: Path, another: Path) -> None:
    made = whole_report(results, another)
    comparison = shown(made)
    assert [row["name"] for row in comparison["rows"]] == ["litert", "another"]
    assert made.data["question"] == "Which finds objects best, and which fastest: litert or another?"
    assert comparison["different"] == [{"name": "runtime", "values": ["litert", "another"]}]
    assert comparison["intervals"]["differences"][1] == {"value": 0.0, "low": 0.0, "high": 0.0}
    one, other = comparison["rows"]
    assert one["images_per_second"] == 2 * other["images_per_second"]
    words = " ".join(" ".join(Read(page(made.data, made.pictures)).texts).split())
    assert "All find objects equally well" in words[: words.index("Side by side")]
    assert "litert is the fastest" in words[: words.index("Side by side")]


def test_a_best_run_that_may_be_chance_is_said_to_be(results: Path, another: Path) -> None:
    def better(record: dict[str, Any]) -> None:
        record["mAP"] += 0.01

    edited(another / TIMER, better)  # as if: the detections, and so the intervals, are the same
    comparison = shown(whole_report(results, another))
    assert [row["name"] for row in comparison["best"]] == ["another"]
    assert comparison["best_by_chance"] is True


def test_pictures_of_several_runs_share_the_page(results: Path, another: Path, tmp_path: Path) -> None:
    several = [results, another, *(Path(shutil.copytree(results, tmp_path / f"{n}")) for n in range(4))]
    made = whole_report(*several)
    assert [len(one) for one in made.pictures] == [8] * 6
    names = [run["name"] for run in made.data["runs"]]
    assert len(set(names)) == 6


def test_what_cannot_be_paired_has_no_intervals(results: Path, another: Path) -> None:
    (another / "detections.json").unlink()
    comparison = shown(whole_report(results, another))
    assert comparison["no_intervals"] == "not all runs have their detections and annotations"
    assert comparison["intervals"] is None


def test_a_saved_comparison_is_a_page(tmp_path: Path) -> None:
    row = {"runtime": "x", "model": "y", "mAP": 0.5, "recall": 0.6, "images_per_second": 9.0}
    rows = [{**row, "name": name, "latency_median_s": 0.1} for name in ("one", "<b>two")]
    data = {
        "rows": rows,
        "different": {"one": {"nms": "regular"}, "<b>two": {"nms": "fast"}},
        "notes": ["a note"],
    }
    file = tmp_path / "compared.json"
    file.write_text(json.dumps({"ckssd": 1, "command": "compare", "data": data}))
    comparison = shown(whole_report(file))
    assert [row["name"] for row in comparison["rows"]] == ["one", "<b>two"]
    assert comparison["different"] == [{"name": "nms", "values": ["regular", "fast"]}]
    del rows[1]["mAP"]
    file.write_text(json.dumps(data))
    with pytest.raises(InputError, match="The file is no comparison"):
        whole_report(file)


def hook(results: Path, value: str) -> dict[str, Any]:
    tools = {"dict": {"env": {"CK_ENV_TOOL_COCO_PYTHON_FILE": sys.executable}}}
    return tell_failure({"env": {"CK_REPORT": value}, "deps": {"coco-tools": tools}, "misc": {}})


def test_a_ck_program_leaves_a_report_if_asked(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(results)
    assert hook(results, "no") == {"return": 0}
    assert not (results / "report.html").exists()
    assert hook(results, "yes") == {"return": 0}
    assert "Precision against recall" in (results / "report.html").read_text()
    assert f"Report: {results / 'report.html'}\n" in capsys.readouterr().err


def test_a_report_that_cannot_be_made_is_said_and_the_run_stays(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(results)
    assert hook(results, "perhaps") == {"return": 0}
    assert "The report was not made: CK_REPORT has no value that can be used" in capsys.readouterr().err
    (results / TIMER).unlink()
    assert hook(results, "yes") == {"return": 0}
    assert "The report was not made: There is no result of a benchmark" in capsys.readouterr().err


def test_the_demo_keeps_results_and_says_which_report_is_left_out(
    results: Path, another: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (results, another):
        keep(folder, tmp_path / "kept", "photos")
        (folder / "detections.json").write_text("what the next run leaves")
    kept = sorted(path.relative_to(tmp_path) for path in (tmp_path / "kept").rglob(TIMER))
    assert kept == [Path("kept", "photos", number, TIMER) for number in ("1", "2")]
    for number in ("1", "2"):
        assert json.loads((tmp_path / "kept" / "photos" / number / "detections.json").read_text())
        (tmp_path / "kept" / "photos" / number / "detections.json").write_text("broken")
    assert reports(tmp_path / "kept", tmp_path) == []
    assert "The report is left out: The detections are no JSON" in capsys.readouterr().err
