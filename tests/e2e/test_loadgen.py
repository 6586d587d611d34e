"""LoadGen by real commands: packages, program and `ckssd loadgen`; what docs/mlperf.md shows runs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fixtures import folder
from tests.support.sandbox import CHECKOUT, Done, Sandbox

pytestmark = pytest.mark.slow(seconds=60)
pytest.importorskip("mlperf_loadgen", reason="LoadGen has no wheel for this Python or machine")

__all__ = ["folder"]

PAGE = (CHECKOUT / "docs" / "mlperf.md").read_text()


@pytest.fixture(scope="module")
def home(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of loadgen", like=installed)
    for tags in ("lib,mlperf,loadgen", "config,loadgen"):
        made.install(tags)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def plain(home: Sandbox) -> dict[str, Any]:
    done = home.ckssd("benchmark", "--tags=shapes,ssd-mobilenet", "--dataset-tags=shapes", "--json")
    found: dict[str, Any] = json.loads(done.out)["data"]
    return found


def commands(beginning: str) -> list[str]:
    """The commands of the page that begin so, without what is said beside them."""
    found = re.findall(rf"^    ({beginning}.*?)(?:  +#.*)?$", PAGE, re.MULTILINE)
    assert found
    return found


def run(home: Sandbox, command: str) -> Done:
    done = home.run(*shlex.split(command))
    assert done.code == 0, done.text
    return done


def test_the_page_s_commands_run_and_give_the_benchmark_s_accuracy(
    home: Sandbox, plain: dict[str, Any]
) -> None:
    accuracy, performance = commands("ckssd loadgen --scenario")
    out = run(home, accuracy).out
    assert f"mAP: {plain['mAP']!r}\nRecall: {plain['recall']!r}" in out
    record = json.loads((home.folder / "logs" / "loadgen.json").read_text())
    assert record["detections_sha256"] == plain["detections_sha256"]
    out = run(home, performance.replace("--min-duration 20", "--min-duration 2")).out
    assert re.search("^Result: (VALID|INVALID)", out, re.MULTILINE)
    assert (home.folder / "mlperf-logs" / "mlperf_log_detail.txt").is_file()
    done = run(home, commands("ckssd loadgen accuracy")[0])
    assert f"mAP: {plain['mAP']!r}" in done.out
    assert plain["detections_sha256"] in done.out


def test_the_program_gives_the_same(home: Sandbox, plain: dict[str, Any]) -> None:
    chosen = ("--dep_add_tags.weights=shapes,ssd-mobilenet", "--dep_add_tags.dataset=shapes")
    quiet = (
        "--repetitions=1",
        "--skip_print_timers",
        "--skip_stat_analysis",
        "--process_multi_keys",
        "--sleep=0",
    )
    done = home.ck(*shlex.split(commands("ck benchmark")[0])[1:], *chosen, *quiet)
    assert done.code == 0, done.text
    assert "Traceback" not in done.text
    folder = home.program("object-detection-tflite-loadgen") / "tmp"
    timer = json.loads((folder / "tmp-ck-timer.json").read_text())
    assert timer["detections_sha256"] == plain["detections_sha256"]
    assert (folder / "mlperf_log_accuracy.json").is_file()


def test_another_runtime_has_its_own_benchmark_s_detections(home: Sandbox) -> None:
    words = ("--runtime=openvino", "--tags=shapes", "--dataset-tags=shapes", "--count=20", "--json")
    benchmark = json.loads(home.ckssd("benchmark", *words).out)["data"]
    done = home.ckssd("loadgen", "--scenario=MultiStream", "--mode=AccuracyOnly", *words)
    assert done.code == 0, done.text
    assert json.loads(done.out)["data"]["detections_sha256"] == benchmark["detections_sha256"]


@pytest.mark.full
def test_a_submission_is_made_and_checked_as_the_page_says(home: Sandbox) -> None:
    run(home, commands("ckssd shapes")[0])
    command = commands("ckssd submission create")[0]
    quick = "--scenarios MultiStream --min-duration 0.2 --min-query-count 5"
    run(home, f"{command.replace('--min-duration 20', quick)} --field host_storage_type=SSD --retraining no")
    done = home.run(*shlex.split(commands("ckssd submission check submission")[0]))
    assert done.code == 5
    assert ", mAP 78.986\n" in done.out  # as on the page
    assert "performance-samples" not in done.out
    assert "The submission breaks rules (expected none, got " in done.err
    assert "accuracy-target: " in run(home, commands("ckssd submission check --rules")[0]).out
    assert "has its hash already" in run(home, commands("ckssd submission truncate")[0]).out
    name = home.ckssd("submission", "check", "--round=v0.7", "submission")
    assert (name.code, "expected v1.1 or v2.0" in name.err) == (2, True)


def test_what_is_missing_is_one_line(home: Sandbox, folder: Path) -> None:
    done = home.ckssd(
        "loadgen", "--user-conf", str(folder / "none.conf"), "--dataset-tags=shapes", "--tags=shapes"
    )
    assert done.code == 2
    assert "CK_LOADGEN_USER_CONF has no value that can be used" in done.err
    done = home.ckssd("loadgen", "accuracy", str(folder), "--dataset-tags=shapes")
    assert done.code == 3
    assert "The accuracy log cannot be read" in done.err
