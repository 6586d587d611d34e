"""The benchmark of a frozen graph by TensorFlow: by the real ck command, and the same without CK."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox

PROGRAM = "object-detection-tensorflow"
RECORD = "tensorflow-accuracy"
COUNT = 24
SCORE_TOLERANCE, BOX_TOLERANCE = 1e-5, 0.01  # the box's in pixels


@dataclass(frozen=True)
class Found:
    """What `ckssd benchmark` found: the run's record, and its COCO results."""

    record: dict[str, Any]
    results: list[dict[str, Any]]


def timer_of(sandbox: Sandbox) -> Path:
    return sandbox.program(PROGRAM) / "tmp" / "tmp-ck-timer.json"


def by_ckssd(installed: Sandbox, runtime: str, file: Path) -> Found:
    done = installed.ckssd(
        *("benchmark", f"--runtime={runtime}", f"--count={COUNT}", "--resize=tf1"),
        *(f"--detections={file}", "--json"),
    )
    assert done.code == 0, done.text
    return Found(json.loads(done.out)["data"], json.loads(file.read_text()))


@pytest.fixture(scope="module")
def found(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Found:
    return by_ckssd(installed, "tensorflow", tmp_path_factory.mktemp("tensorflow") / "found.json")


def test_ck_benchmark_records_the_same(installed: Sandbox, found: Found) -> None:
    done = installed.ck(
        *("benchmark", f"program:{PROGRAM}", f"--env.CK_BATCH_COUNT={COUNT}"),
        *(
            "--env.CK_RESIZE=tf1",
            "--repetitions=1",
            "--record",
            "--record_repo=local",
            f"--record_uoa={RECORD}",
            "--tags=accuracy",
        ),
        *("--skip_print_timers", "--skip_stat_analysis", "--process_multi_keys", "--sleep=0"),
    )
    assert done.code == 0, done.text
    assert list((installed.folder / "repos" / "local" / "experiment" / RECORD).glob("ckp-*"))
    timer = json.loads(timer_of(installed).read_text())
    assert f"\nmAP: {timer['mAP']!r}\n" in done.out
    for key in ("images", "detections_sha256", "mAP", "recall", "metrics", "per_class"):
        assert timer[key] == found.record[key], key


def test_the_graph_resizes_and_normalises_as_litert_is_fed(
    installed: Sandbox, found: Found, tmp_path: Path
) -> None:
    settings = found.record["settings"]
    assert settings["postprocessed_by"] == "the graph's own Postprocessor"
    assert settings["input_size"] == [300, 300]
    assert settings["decoder"] == "simplejpeg", "as with the other runtimes"
    assert any("the graph resizes" in note for note in found.record["notes"])
    litert = by_ckssd(installed, "litert", tmp_path / "found.json").results
    assert len(litert) > 4 * COUNT
    for mine in litert:
        # A pixel that is rounded to a whole number changes a score by more.
        assert any(is_the_same(mine, theirs) for theirs in found.results), mine


def is_the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same detection but for the last digits of its score and box."""
    return (
        (one["image_id"], one["category_id"]) == (other["image_id"], other["category_id"])
        and abs(one["score"] - other["score"]) < SCORE_TOLERANCE
        and one["bbox"] == pytest.approx(other["bbox"], abs=BOX_TOLERANCE)
    )


def test_a_bad_value_is_one_line_and_nothing_is_recorded(installed: Sandbox) -> None:
    done = installed.ck("benchmark", f"program:{PROGRAM}", "--env.USE_NMS=fast", "--sleep=0")
    (line,) = re.findall(r"^FAILED: .*$", done.text, re.MULTILINE)
    assert "USE_NMS" in line
    assert "Traceback" not in done.text
    assert not timer_of(installed).exists()
