"""The benchmark as the seed calls it: summary, record, exact repetition, failures that record nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.sandbox import Done, Sandbox

PROGRAM = "object-detection-tflite"
LEAST_MAP = 0.72
KINDS = ("regular", "fast")
SOME = 60  # images, where two runs are compared


def benchmark(sandbox: Sandbox, record: str, *options: str, count: int = 5000) -> Done:
    return sandbox.ck(
        *("benchmark", f"program:{PROGRAM}", "--repetitions=1"),
        *("--env.CK_BATCH_SIZE=1", f"--env.CK_BATCH_COUNT={count}", "--env.CK_METRIC_TYPE=COCO"),
        *("--record", "--record_repo=local", f"--record_uoa={record}"),
        "--tags=object-detection,ssd-mobilenet,tflite,accuracy",
        *("--skip_print_timers", "--skip_stat_analysis", "--process_multi_keys", "--sleep=0"),
        *options,
    )


def timer_of(sandbox: Sandbox) -> Path:
    return sandbox.program(PROGRAM) / "tmp" / "tmp-ck-timer.json"


def recorded(sandbox: Sandbox, record: str) -> list[Path]:
    return sorted((sandbox.folder / "repos" / "local" / "experiment" / record).glob("ckp-*.0001.json"))


@pytest.mark.parametrize("nms", KINDS)
def test_the_summary_is_the_seeds_with_true_numbers_and_repeats_exactly(installed: Sandbox, nms: str) -> None:
    done = benchmark(installed, f"accuracy-{nms}", f"--env.USE_NMS={nms}")
    assert done.code == 0, done.text
    for line in (
        "Graph loaded in",
        "All images loaded in",
        "All images detected in",
        "Average detection time:",
    ):
        (seconds,) = re.findall(rf"^{line} (\d+\.\d+)s$", done.out, re.MULTILINE)
        assert float(seconds) > 0
    (mean,) = re.findall(r"^mAP: (\S+)$", done.out, re.MULTILINE)
    (recall,) = re.findall(r"^Recall: (\S+)$", done.out, re.MULTILINE)
    assert f"NMS: {nms}" in done.out
    assert "CK_BATCH_COUNT lowered from 5000 to 250" in done.out
    assert float(recall) >= float(mean)
    if nms == "regular":
        assert float(mean) >= LEAST_MAP
    timer = json.loads(timer_of(installed).read_text())
    assert (repr(timer["mAP"]), repr(timer["recall"])) == (mean, recall)

    again = benchmark(installed, f"accuracy-{nms}", f"--env.USE_NMS={nms}")
    assert f"mAP: {mean}\nRecall: {recall}\n" in again.out
    points = recorded(installed, f"accuracy-{nms}")
    assert points
    characteristics = json.loads(points[0].read_text())["characteristics_list"][0]["run"]
    assert characteristics["mAP"] == timer["mAP"]
    assert characteristics["settings"]["model_sha256"] == timer["settings"]["model_sha256"]


@pytest.mark.parametrize(
    "setting",
    [
        "USE_NMS=soft",
        "CK_BATCH_COUNT=0",
        "CK_BATCH_COUNT=-3",
        "CK_BATCH_SIZE=2",
        "CK_METRIC_TYPE=KITTI",
        "CK_HOST_CPU_NUMBER_OF_PROCESSORS=many",
        "CK_MODE=batch",
    ],
)
def test_a_bad_value_is_one_line_and_nothing_is_recorded(installed: Sandbox, setting: str) -> None:
    record = "refused-" + re.sub(r"\W", "-", setting).lower()
    done = benchmark(installed, record, f"--env.{setting}")
    name, value = setting.split("=")
    (line,) = re.findall(r"^FAILED: .*$", done.text, re.MULTILINE)
    assert name in line
    assert value in line
    assert re.search(rf"^\* Failed: yes\n\* Reason: .*FAILED: .*{name}", done.out, re.MULTILINE), "CK says it"
    assert "Traceback" not in done.text
    assert "Recorded successfully" not in done.text
    assert not recorded(installed, record)
    assert not timer_of(installed).exists()


def test_a_preset_gives_the_variables_of_the_run(installed: Sandbox) -> None:
    run = f'"$CK_ENV_LIB_LITERT_PYTHON_FILE" "{installed.program(PROGRAM)}/run.py"'
    done = installed.ck(
        "virtual",
        "env",
        "--tag_groups=preset,reference-accuracy-fast-nms lib,litert tool,coco model,tflite dataset,shapes",
        f"--shell_cmd={run}",
    )
    assert done.code == 0, done.text
    assert "NMS: fast" in done.out


def test_the_librarys_own_command_gives_the_same_numbers_and_a_right_exit_code(installed: Sandbox) -> None:
    done = installed.ckssd("benchmark", "--nms=regular", "--json")
    assert done.code == 0, done.text
    result = json.loads(done.out)
    assert result["status"] == "ok"
    assert result["data"]["mAP"] >= LEAST_MAP
    by_class = result["data"]["per_class"]
    assert sorted(by_class) == ["circle", "cross", "ring", "square", "star", "triangle"]
    refused = installed.ckssd("benchmark", "--count=none", "--json")
    assert refused.code == 2
    (error,) = json.loads(refused.out)["errors"]
    assert error["code"] == "usage"


def accuracy(done: Done) -> tuple[str, str]:
    (mean,) = re.findall(r"^mAP: (\S+)$", done.out, re.MULTILINE)
    (recall,) = re.findall(r"^Recall: (\S+)$", done.out, re.MULTILINE)
    return mean, recall


def test_latency_is_asked_for_and_changes_no_digit(installed: Sandbox) -> None:
    many = benchmark(installed, "mode-throughput", "--env.CK_HOST_CPU_NUMBER_OF_PROCESSORS=3", count=SOME)
    one = benchmark(installed, "mode-latency", "--env.CK_MODE=latency", count=SOME)
    assert accuracy(one) == accuracy(many)
    assert "Mode: throughput (an image for each core)\n" in many.out
    assert "Threads: 3 interpreters with 1 each" in many.out
    assert "Mode: latency (one image at a time)\n" in one.out
    times = json.loads(timer_of(installed).read_text())
    assert (
        0 < times["detection_time_median_s"] <= times["detection_time_p90_s"] <= times["detection_time_p99_s"]
    )
    assert re.search(
        r"^Detection time percentiles: 50th \S+s, 90th \S+s, 99th \S+s \(one image at a time\)$",
        one.out,
        re.MULTILINE,
    )


@pytest.fixture(scope="module")
def plain(installed: Sandbox) -> dict[str, tuple[str, str]]:
    """Kind of NMS to the accuracy of its graph with the settings that are in it."""
    runs = {
        kind: benchmark(installed, f"plain-{kind}", f"--env.USE_NMS={kind}", count=SOME) for kind in KINDS
    }
    return {kind: accuracy(run) for kind, run in runs.items()}


@pytest.mark.parametrize("switch", ["CUSTOM_MODEL_SETTINGS", "USE_CUSTOM_NMS_SETTINGS"])
def test_custom_settings_make_the_fast_graph_give_exactly_the_regular_graphs_numbers(
    installed: Sandbox, plain: dict[str, tuple[str, str]], switch: str
) -> None:
    custom = benchmark(installed, "custom", "--env.USE_NMS=fast", f"--env.{switch}=yes", count=SOME)
    assert accuracy(custom) == plain["regular"] != plain["fast"]
    assert "custom settings" in custom.out


def test_a_lower_score_threshold_gives_more_detections_and_is_recorded(
    installed: Sandbox, plain: dict[str, tuple[str, str]]
) -> None:
    options = ("--env.USE_NMS=fast", "--env.CUSTOM_MODEL_SETTINGS=yes", "--env.NMS_SCORE_THRESHOLD=0.00001")
    done = benchmark(installed, "low-threshold", *options, count=SOME)
    assert float(accuracy(done)[1]) > float(plain["regular"][1])
    assert "Score threshold: 1e-05" in done.out


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (("USE_NMS=fast", "MAX_CLASSES_PER_DETECTION=2"), "MAX_CLASSES_PER_DETECTION"),
        (("NMS_SCORE_THRESHOLD=-0.1",), "NMS_SCORE_THRESHOLD"),
        (("SCALE_H=tall",), "SCALE_H"),
    ],
)
def test_bad_custom_settings_are_refused_by_the_name_of_the_variable(
    installed: Sandbox, settings: tuple[str, ...], named: str
) -> None:
    options = [f"--env.{setting}" for setting in ("CUSTOM_MODEL_SETTINGS=yes", *settings)]
    done = benchmark(installed, "bad-custom", *options)
    (line,) = re.findall(r"^FAILED: .*$", done.text, re.MULTILINE)
    assert named in line
    assert not recorded(installed, "bad-custom")
