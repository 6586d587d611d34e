"""The four scenarios under the real LoadGen: a benchmark's accuracy to the last digit, verdict, logs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ckssd.errors import CkssdError, UsageError
from ckssd.loadgen.accuracy import accuracy_of
from ckssd.loadgen.conduct import FILES, RECORD
from ckssd.loadgen.conf import SCENARIOS
from ckssd.loadgen.logs import LOGS
from ckssd.loadgen.program import main
from ckssd.loadgen.rounds import read_round
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_environment
from tests.loadgen.conftest import ROUNDS, SHORT, Run

pytestmark = pytest.mark.slow(seconds=45)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_accuracy_out_of_the_log_is_the_benchmark_s(loadgen: Run, scenario: str) -> None:
    plain = run_benchmark(from_environment(loadgen.bench.environment))
    record, text = loadgen.run(CK_LOADGEN_SCENARIO=scenario, CK_LOADGEN_MODE="AccuracyOnly")
    assert record["detections_sha256"] == plain.detections.sha256()
    assert (record["mAP"], record["recall"]) == (plain.mean_average_precision, plain.recall)
    assert record["metrics"] == plain.metrics["metrics"]
    assert f"mAP: {record['mAP']!r}\nRecall: {record['recall']!r}" in text
    assert record["loadgen"]["verdict"]["result"] is None
    again = accuracy_of(loadgen.output, loadgen.bench.annotations, Path(sys.executable))
    assert (again["mAP"], again["detections_sha256"]) == (record["mAP"], record["detections_sha256"])
    # A log of others: no list of images, so the annotations' own order.
    (loadgen.output / "images.json").unlink()
    again = accuracy_of(
        loadgen.output / "mlperf_log_accuracy.json", loadgen.bench.annotations, Path(sys.executable)
    )
    assert again["detections_sha256"] == record["detections_sha256"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_performance_run_has_loadgen_s_verdict_beside_our_figures(loadgen: Run, scenario: str) -> None:
    record, text = loadgen.run(CK_LOADGEN_SCENARIO=scenario, CK_LOADGEN_MIN_QUERY_COUNT="700")
    facts = record["loadgen"]
    assert facts["verdict"]["result"] in ("VALID", "INVALID"), facts
    assert facts["verdict"]["result"] == "VALID" or facts["verdict"]["reasons"]
    assert f"Result: {facts['verdict']['result']}" in text
    assert "mAP" not in record
    assert facts["verdict"]["percentiles_ns"]["90.00"] > 0
    assert any("min_duration is 300 ms, v2.0 wants 600000" in said for said in facts["departures"])
    assert {path.name for path in loadgen.output.iterdir()} == {RECORD, *FILES}
    assert record["settings"]["mode"] == ("latency" if scenario == "SingleStream" else "throughput")
    log = (loadgen.output / "mlperf_log_detail.txt").read_text()
    for name, seed in read_round(ROUNDS, "v2.0").seeds().items():
        assert f'"effective_{name}", "value": {seed},' in log
    assert '"is_error": true' not in log or facts["verdict"]["errors"]


def test_a_submission_run_has_accuracy_and_verdict(loadgen: Run) -> None:
    plain = run_benchmark(from_environment(loadgen.bench.environment))
    record, text = loadgen.run(CK_LOADGEN_MODE="SubmissionRun")
    assert record["detections_sha256"] == plain.detections.sha256()
    assert record["mAP"] == plain.mean_average_precision
    assert record["loadgen"]["verdict"]["result"] in ("VALID", "INVALID")
    # Its figures are those of the performance part; ours count the eight images of the other, too.
    assert record["loadgen"]["samples_answered"] == record["loadgen"]["verdict"]["queries"] + 8
    assert f"mAP: {record['mAP']!r}" in text
    assert "LoadGen ran for accuracy and for performance" in text


def test_a_peak_that_cannot_be_found_says_why(loadgen: Run) -> None:
    record, text = loadgen.run(
        CK_LOADGEN_MODE="FindPeakPerformance",
        CK_LOADGEN_SCENARIO="Server",
        CK_LOADGEN_TARGET_QPS="5000",
        CK_LOADGEN_TARGET_LATENCY="0.001",
        CK_LOADGEN_MIN_DURATION_S="0.1",
    )
    assert record["loadgen"]["verdict"]["result"] == "INVALID"
    assert "Initial lower bound does not satisfy performance constraints" in text


@pytest.mark.full
def test_a_peak_is_found(loadgen: Run) -> None:
    record, _ = loadgen.run(
        CK_LOADGEN_MODE="FindPeakPerformance",
        CK_LOADGEN_SCENARIO="Server",
        CK_LOADGEN_TARGET_QPS="100",
        CK_LOADGEN_TARGET_LATENCY="200",
        CK_LOADGEN_MIN_DURATION_S="0.1",
    )
    verdict = record["loadgen"]["verdict"]
    assert verdict["result"] == "VALID", verdict
    assert verdict["samples_per_second"] > 100
    assert record["loadgen"]["samples_answered"] > verdict["queries"]  # of the last attempt of several


def test_the_program_records_what_it_ran(loadgen: Run) -> None:
    environment = {**loadgen.bench.environment, "CK_ENV_LOADGEN_CONFIG_FILE": str(ROUNDS), **SHORT}
    tmp = loadgen.bench.folder / "tmp"
    tmp.mkdir()
    assert main({**environment, "CK_LOADGEN_ROUND": "1.1"}, tmp) == 0
    timer = json.loads((tmp / "tmp-ck-timer.json").read_text())
    assert timer["loadgen"]["round"] == "v1.1"
    assert {*LOGS, "user.conf", "tmp-ck-timer.json"} <= {path.name for path in tmp.iterdir()}
    assert main({**environment, "CK_LOADGEN_SCENARIO": "Multi"}, tmp) == 2
    assert [path.name for path in tmp.iterdir()] == ["tmp-ck-failure.txt"]


def test_a_few_images_keep_their_place_and_say_so(loadgen: Run) -> None:
    record, text = loadgen.run(
        CK_LOADGEN_MODE="AccuracyOnly", CK_LOADGEN_DATASET_SIZE="3", CK_LOADGEN_SAMPLES="on-the-fly"
    )
    plain = run_benchmark(from_environment({**loadgen.bench.environment, "CK_BATCH_COUNT": "3"}))
    assert record["detections_sha256"] == plain.detections.sha256()
    assert "The samples are 3 of 8 images" in text
    assert "decoded and resized when LoadGen asked" in text
    again = accuracy_of(loadgen.output, loadgen.bench.annotations, Path(sys.executable))
    assert again["mAP"] == record["mAP"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"CK_LOADGEN_SCENARIO": "MultiStream", "CK_LOADGEN_ROUND": "v1.1"},
            "MultiStream no more: v1.1 .*no fixed rate any more; only the round's own LoadGen",
        ),
        ({"CK_LOADGEN_ROUND": "v2.1"}, "Unknown round of MLPerf"),
        ({"CK_LOADGEN_MODE": "FindPeakPerformance"}, "in one scenario only"),
        ({"CK_LOADGEN_MODE": "AccuracyOnly", "CK_LOADGEN_AUDIT": "TEST01"}, "a performance run"),
        ({"CK_SKIP_BAD_IMAGES": "yes"}, "does not go with LoadGen"),
        ({"CK_CLUSTER": "ray"}, "LoadGen measures one machine: CK_CLUSTER"),
        ({"CK_PART": "x.part"}, "A run under LoadGen has no parts"),
        ({"CK_METRIC_TYPE": "voc"}, "LoadGen's accuracy is COCO's"),
    ],
)
def test_what_cannot_be_is_refused(loadgen: Run, variables: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loadgen.run(**variables)


def test_an_audit_config_that_lies_about_changes_nothing(
    loadgen: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(loadgen.bench.folder)
    Path("audit.config").write_text("*.*.mode = 1\n*.*.min_query_count = 7\n")
    record, _ = loadgen.run()
    assert record["loadgen"]["verdict"]["result"] == "VALID"


def test_nothing_else_imports_it() -> None:
    """Neither LoadGen nor this room is there unless it is asked for."""
    code = "import sys, ckssd.cli.benchmark, ckssd.measure.__main__\n"
    code += "print([name for name in sys.modules if 'loadgen' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_another_python_s_loadgen_is_one_line(loadgen: Run, folder: Path) -> None:
    (folder / "mlperf_loadgen.cpython-39-x86_64-linux-gnu.so").touch()
    hidden = folder / "python"
    # An interpreter that does not see the LoadGen of the tests.
    hidden.write_text(
        f'#!/bin/sh\nshift 2\nexec "{sys.executable}" -c \'import sys; sys.modules["mlperf_loadgen"] = None; '
        'import runpy; runpy.run_module("ckssd.loadgen", run_name="__main__")\' "$@"\n'
    )
    hidden.chmod(0o755)
    with pytest.raises(CkssdError, match=r"LoadGen is not there for this runtime's Python.*cpython-39"):
        loadgen.run(hidden, CK_ENV_LIB_PYTHON_MLPERF_LOADGEN_LIB=str(folder))
