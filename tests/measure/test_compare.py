"""Contenders run in turn; medians, differing settings and unequal detections are shown."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace

import pytest

from ckssd.measure.compare import Contender, Record, compare, measure_in_turn, runs_as_data
from ckssd.measure.comparison_table import table
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_environment
from tests.measure.conftest import make_bench

REGULAR, FAST = (Contender(f"litert tiny {nms}", "litert", "tiny") for nms in ("regular", "fast"))


Records = dict[Contender, dict[str, Record]]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Real records of two contenders in both modes."""
    bench, found = make_bench(tmp_path_factory.mktemp("compare")), {}
    for contender, nms in ((REGULAR, "regular"), (FAST, "fast")):
        settings = from_environment({**bench.environment, "USE_NMS": nms})
        found[contender] = {
            mode: json.loads(json.dumps(run_benchmark(replace(settings, mode=mode)).as_timer()))
            for mode in ("latency", "throughput")
        }
    return found


@pytest.fixture
def measured(records: Records) -> Records:
    """The test's own copy of them."""
    return copy.deepcopy(records)


def test_every_contender_runs_before_any_runs_again() -> None:
    order: list[tuple[str, str]] = []

    def run(contender: Contender, mode: str) -> Record:
        order.append((contender.name, mode))
        return {"number": len(order)}

    records = measure_in_turn([REGULAR, FAST], 2, run)
    assert [name for name, _ in order] == [REGULAR.name, FAST.name] * 4
    assert [mode for _, mode in order[:4]] == ["throughput"] * 2 + ["latency"] * 2
    assert [record["number"] for record in records[FAST]["latency"]] == [4, 8]


def test_rows_hold_medians_over_the_rounds(measured: Records) -> None:
    def run(contender: Contender, mode: str) -> Record:
        record = copy.deepcopy(measured[contender][mode])
        runs[contender] = runs.get(contender, 0) + 1
        record["run_time_state"]["prediction_time_median_s"] = float(runs[contender])
        record["images_per_second"] = 100.0 * runs[contender]
        return record

    runs: dict[Contender, int] = {}
    comparison = compare(measure_in_turn([REGULAR, FAST], 3, run))
    first, second = comparison.rows
    assert first["latency_median_s"] == 4.0  # of 2, 4, 6
    assert first["images_per_second"] == 300.0  # of 100, 300, 500
    assert first["mAP"] == measured[REGULAR]["latency"]["mAP"] != second["mAP"]
    assert comparison.rounds == 3
    assert comparison.notes == []


def test_what_differs_is_told_apart_from_what_all_have(measured: Records) -> None:
    comparison = compare(
        measure_in_turn([REGULAR, FAST], 1, lambda contender, mode: measured[contender][mode])
    )
    assert set(comparison.different[FAST.name]) == {"nms", "model_file", "model_files", "model_sha256"}
    for key in ("score_threshold", "iou_threshold", "max_detections", "resize", "channel_order", "class_map"):
        assert key in comparison.common
    assert comparison.common["precision"] == "float32"
    assert comparison.machine["processors"] >= 1
    assert "ai-edge-litert" in comparison.versions[REGULAR.name]
    json.dumps(asdict(comparison))


def test_unequal_detections_are_noted(measured: Records) -> None:
    # All counts and metrics may be equal although a box is not.
    measured[FAST]["throughput"]["detections_sha256"] = "0" * 64
    comparison = compare(
        measure_in_turn([REGULAR, FAST], 1, lambda contender, mode: measured[contender][mode])
    )
    assert comparison.notes == [f"{FAST.name}: the detections are not the same in every round and mode"]


def test_every_run_is_told_with_its_accuracy_and_memory(
    measured: Records,
) -> None:
    records = measure_in_turn([REGULAR, FAST], 2, lambda contender, mode: measured[contender][mode])
    runs = runs_as_data(records)
    assert [(run["name"], run["mode"]) for run in runs[:4]] == [
        (REGULAR.name, mode) for mode in ("throughput", "latency") for _ in range(2)
    ]
    assert len(runs) == 8
    for run in runs[4:]:
        record = measured[FAST][run["mode"]]
        for key in ("mAP", "recall", "detections_sha256"):
            assert run[key] == record[key]
        assert run["peak_memory_mb"] == record["settings"]["machine"]["detecting_peak_memory_mb"]
        assert run["times"]["prediction_time_median_s"] > 0
    json.dumps(runs)


def test_the_table_shows_every_column_and_setting(measured: Records) -> None:
    comparison = compare(
        measure_in_turn([REGULAR, FAST], 1, lambda contender, mode: measured[contender][mode])
    )
    text = table(comparison)
    heading, first, *_ = text.splitlines()
    assert "mAP" in heading
    assert first.startswith(REGULAR.name)
    assert f"{measured[REGULAR]['latency']['mAP']:.4f}" in first
    for line in ("    iou threshold: 0.6", "    nms: fast", "    input size: 8, 8", "Machine:"):
        assert line in text.splitlines()
    (file,) = measured[FAST]["latency"]["settings"]["model_files"]
    named = f"    model files: detect_fast_nms.tflite ({file['bytes']} bytes) sha256 {file['sha256']}"
    assert named in text.splitlines()
