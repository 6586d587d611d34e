"""What CK sees of a run: its exit code, its files, and one line when it fails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ckssd.json_file import write_json
from ckssd.measure.__main__ import main as command
from ckssd.measure.program import main
from ckssd.measure.record import DATA_SET_FILE, DETECTIONS_FILE, FAILURE_FILE, IMAGE_TIMES_FILE, TIMER_FILE
from tests.detect.tiny_model import tiny_model
from tests.measure.conftest import IMAGES, Bench


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """CK's temporary folder, with the files of an earlier run in it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    (folder / TIMER_FILE).write_text('{"mAP": 0.99}')
    (folder / DETECTIONS_FILE).write_text("[]")
    (folder / IMAGE_TIMES_FILE).write_text("{}")
    return folder


def test_a_run_fills_the_timer_file(bench: Bench, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(bench.environment, work) == 0
    timer = json.loads((work / TIMER_FILE).read_text())
    state = timer["run_time_state"]
    assert timer["execution_time"] == state["setup_time_s"] + state["test_time_s"] > 0
    assert timer["images"] == IMAGES
    assert 0 < timer["mAP"] < 1
    assert timer["recall"] == timer["metrics"]["AR100"]
    assert timer["settings"]["threads"] == 2
    model = (bench.model / "detect_regular_nms.tflite").read_bytes()
    digest = hashlib.sha256(model).hexdigest()
    assert (timer["settings"]["model_sha256"], timer["settings"]["model_bytes"]) == (digest, len(model))
    file = {"name": "detect_regular_nms.tflite", "bytes": len(model), "sha256": digest}
    assert timer["settings"]["model_files"] == [file]
    printed = capsys.readouterr().out
    assert f"mAP: {timer['mAP']!r}\n" in printed
    assert f"Recall: {timer['recall']!r}\n" in printed
    assert f"Average detection time: {timer['detection_time_avg_s']:.6f}s\n" in printed
    detections = json.loads((work / DETECTIONS_FILE).read_text())
    assert len(detections) == timer["detections"] > 0
    assert set(detections[0]) == {"image_id", "category_id", "bbox", "score"}
    assert sorted(path.name for path in work.iterdir()) == sorted(
        [TIMER_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, DATA_SET_FILE]
    )


@pytest.mark.parametrize("mode", ["latency", "throughput"])
def test_the_times_of_each_image_are_in_a_file(bench: Bench, work: Path, mode: str) -> None:
    assert main({**bench.environment, "CK_MODE": mode}, work) == 0
    state = json.loads((work / TIMER_FILE).read_text())["run_time_state"]
    times = json.loads((work / IMAGE_TIMES_FILE).read_text())
    assert times["image_ids"] == list(range(93, 101))
    assert len(times["load_s"]) == len(times["detect_s"]) == IMAGES
    assert sum(times["load_s"]) == state["images_load_time_total_s"]
    assert sum(times["detect_s"]) == state["prediction_time_total_s"]


def test_peak_memory_is_that_of_both_processes(
    bench: Bench, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ballast = bytearray(b"x") * (200 << 20)  # this process is far larger than that of the metrics
    assert main(bench.environment, work) == 0
    machine = json.loads((work / TIMER_FILE).read_text())["settings"]["machine"]
    detecting, metrics = machine["detecting_peak_memory_mb"], machine["metrics_peak_memory_mb"]
    assert detecting > len(ballast) / (1 << 20) > metrics > 10
    assert machine["peak_memory_mb"] == detecting
    line = f"Peak memory: {detecting} MB to detect, {metrics} MB to compute the metrics\n"
    assert line in capsys.readouterr().out


def test_two_runs_give_the_same_numbers(bench: Bench, tmp_path: Path) -> None:
    results = []
    for number in range(2):
        folder = tmp_path / f"run {number}"
        folder.mkdir()
        assert main(bench.environment, folder) == 0
        timer = json.loads((folder / TIMER_FILE).read_text())
        results.append((timer["metrics"], timer["per_class"], (folder / DETECTIONS_FILE).read_bytes()))
    assert results[0] == results[1]


def assert_only_the_reason_is_left(work: Path) -> None:
    """What CK would record is gone; a line says why, for CK's own report."""
    (left,) = work.iterdir()
    assert left.name == FAILURE_FILE
    assert left.read_text().count("\n") == 0
    assert left.read_text()


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("USE_NMS", "soft", 2),
        ("CK_BATCH_COUNT", "0", 2),
        ("CK_BATCH_COUNT", "-1", 2),
        ("CK_BATCH_SIZE", "2", 2),
        ("CK_METRIC_TYPE", "KITTI", 2),
        ("CK_HOST_CPU_NUMBER_OF_PROCESSORS", "two", 2),
        ("CK_SKIP_IMAGES", str(IMAGES), 2),
    ],
)
def test_a_bad_value_fails_in_one_line_and_records_nothing(
    bench: Bench, work: Path, capsys: pytest.CaptureFixture[str], variable: str, value: str, code: int
) -> None:
    assert main({**bench.environment, variable: value}, work) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"FAILED: {variable} ")
    assert captured.err.count("\n") == 1
    assert_only_the_reason_is_left(work)


def test_a_fault_in_the_last_image_records_nothing(
    bench: Bench, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench.images / "b0.png").write_bytes(b"no image")  # the highest id
    assert main(bench.environment, work) == 3
    assert "b0.png" in capsys.readouterr().err
    assert_only_the_reason_is_left(work)


@pytest.mark.parametrize("mode", ["latency", "throughput"])
def test_a_runtime_that_fails_names_the_model_and_the_image(
    bench: Bench, work: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    model = bench.model / "detect_regular_nms.tflite"
    model.write_bytes(tiny_model(nms_iou_threshold=0.0))  # what TFLite's kernel refuses as it runs
    assert main({**bench.environment, "CK_MODE": mode}, work) == 8
    said = capsys.readouterr().err
    assert said.startswith(f"FAILED: The runtime fails: {model} with b7.png (got ")
    assert "TFLite_Detection_PostProcess" in said
    assert said.count("\n") == 1
    assert_only_the_reason_is_left(work)


def test_metrics_that_fail_record_nothing(
    bench: Bench, work: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    python = bench.folder / "python"
    python.write_text("#!/bin/sh\necho no coco here >&2\nexit 1\n")
    python.chmod(0o755)
    assert main({**bench.environment, "CK_ENV_TOOL_COCO_PYTHON_FILE": str(python)}, work) == 8
    said = capfd.readouterr().err  # its own words, then ours
    assert said.index("no coco here") < said.index("FAILED: A worker process died: ckssd.coco.metrics")
    assert_only_the_reason_is_left(work)


def test_the_command_takes_everything_from_one_file(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "model": {
            "runtime": "litert",
            "file": str(bench.model / "detect_fast_nms.tflite"),
            "labels": str(bench.model / "labelmap.pbtxt"),
            "nms": "fast",
        },
        "images": str(bench.images),
        "annotations": str(bench.annotations),
        "metrics_python": bench.environment["CK_ENV_TOOL_COCO_PYTHON_FILE"],
        "batch_count": 3,
        "silent": True,
    }
    paths = {
        name: tmp_path / f"{name}.json"
        for name in ("settings", "output", "error", "detections", "image-times")
    }
    arguments = [part for name, path in paths.items() for part in (f"--{name}", str(path))]
    paths["settings"].write_text(json.dumps(settings))
    assert command(arguments) == 0
    assert json.loads(paths["output"].read_text())["images"] == 3
    assert json.loads(paths["image-times"].read_text())["image_ids"] == [93, 94, 95]
    assert not paths["error"].exists()

    paths["settings"].write_text(json.dumps({**settings, "batch_count": 0}))
    capsys.readouterr()
    assert command(arguments) == 2
    assert capsys.readouterr().err == "", "the process that asked for the error prints it"
    assert json.loads(paths["error"].read_text())["code"] == "usage"
    assert json.loads(paths["error"].read_text())["what"].startswith("batch_count has no value")
    assert not paths["output"].exists()
    assert not paths["detections"].exists()
    assert not paths["image-times"].exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]
