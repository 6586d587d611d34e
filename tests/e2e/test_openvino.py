"""The OpenVINO path by real ck commands: the package, Model Optimizer, the benchmark, and how they fail."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ckssd.detect.openvino import read_ir
from tests.e2e.test_equality import variables
from tests.support.sandbox import Done, Sandbox

PROGRAM = "object-detection-openvino"
MAP_TOLERANCE = 0.002


def benchmark(sandbox: Sandbox, record: str, *options: str) -> Done:
    return sandbox.ck(
        *("benchmark", f"program:{PROGRAM}", "--repetitions=1"),
        *("--env.CK_BATCH_SIZE=1", "--env.CK_BATCH_COUNT=5000", "--env.CK_METRIC_TYPE=COCO"),
        *("--record", "--record_repo=local", f"--record_uoa={record}"),
        "--tags=object-detection,ssd-mobilenet,openvino,accuracy",
        *("--skip_print_timers", "--skip_stat_analysis", "--process_multi_keys", "--sleep=0"),
        *options,
    )


def timer_of(sandbox: Sandbox) -> Path:
    return sandbox.program(PROGRAM) / "tmp" / "tmp-ck-timer.json"


def optimize(sandbox: Sandbox, *options: str) -> Done:
    return sandbox.ck("run", "program:model-optimizer", "--dep_add_tags.weights=shapes", *options)


def optimized_in(sandbox: Sandbox) -> Path:
    return sandbox.program("model-optimizer") / "tmp"


def test_the_package_gives_the_variables_of_an_openvino_model(installed: Sandbox) -> None:
    given = variables(installed, "model,openvino,shapes")
    prefix = "CK_ENV_OPENVINO_MODEL_"
    root = Path(given[f"{prefix}ROOT"])
    assert Path(given[f"{prefix}XML"]) == root / "openvino_model.xml"
    assert Path(given[f"{prefix}BIN"]) == root / "openvino_model.bin"
    assert Path(given[f"{prefix}LABELMAP_FILE"]).read_text().count("item") == 6
    assert given[f"{prefix}DATASET_TYPE"] == "shapes", "carried over from the TensorFlow model"
    provenance = json.loads((root / "provenance.json").read_text())
    assert provenance["extra"]["settings"]["activation"] == "sigmoid"


def test_the_ir_has_the_thresholds_and_limits_of_the_models_entry(installed: Sandbox) -> None:
    model = read_ir(Path(variables(installed, "model,openvino,shapes")["CK_ENV_OPENVINO_MODEL_XML"]))
    assert (model.score_threshold, model.iou_threshold, model.keep_top_k) == (0.3, 0.6, 100)
    assert (model.num_classes, model.scales_yxhw) == (6, (10, 10, 5, 5))
    assert (model.input.width, model.input.height) == (300, 300)


def test_the_benchmark_has_tflites_accuracy_and_the_seeds_summary(installed: Sandbox) -> None:
    done = benchmark(installed, "openvino-accuracy")
    assert done.code == 0, done.text
    for line in ("Graph loaded in", "All images loaded in", "All images detected in"):
        assert re.search(rf"^{line} \d+\.\d+s$", done.out, re.MULTILINE), line
    assert "Runtime: openvino, float32" in done.out
    timer = json.loads(timer_of(installed).read_text())
    assert f"mAP: {timer['mAP']!r}\n" in done.out
    tflite = json.loads(installed.ckssd("benchmark", "--nms=regular", "--json").out)["data"]
    assert timer["mAP"] == pytest.approx(tflite["mAP"], abs=MAP_TOLERANCE)
    assert timer["recall"] == pytest.approx(tflite["recall"], abs=MAP_TOLERANCE)
    assert timer["detections"] == pytest.approx(tflite["detections"], rel=0.01)
    points = list((installed.folder / "repos" / "local" / "experiment" / "openvino-accuracy").glob("ckp-*"))
    assert points


def test_without_ck_it_is_the_same_run(installed: Sandbox) -> None:
    runs = [
        installed.ckssd("benchmark", "--runtime=openvino", "--count=50", *words, "--json")
        for words in (["--mode=throughput"], ["--mode=latency", "--threads=1"])
    ]
    assert [run.code for run in runs] == [0, 0], runs[0].text + runs[1].text
    throughput, latency = (json.loads(run.out)["data"] for run in runs)
    assert throughput["settings"]["runtime"] == "openvino"
    assert throughput["mAP"] == latency["mAP"], "the same whatever the mode and the threads"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("USE_NMS=fast", "fast"),
        ("CUSTOM_MODEL_SETTINGS=yes", "CUSTOM_MODEL_SETTINGS"),
        ("CK_BATCH_COUNT=0", "CK_BATCH_COUNT"),
        ("CK_RUNTIME=torch", "torch"),
        ("CK_ENV_OPENVINO_MODEL_XML=/no/such.xml", "CK_ENV_OPENVINO_MODEL_XML"),
    ],
)
def test_a_bad_value_is_one_line_and_nothing_is_recorded(installed: Sandbox, setting: str, said: str) -> None:
    record = "openvino-refused-" + re.sub(r"\W", "-", setting).lower()
    done = benchmark(installed, record, f"--env.{setting}")
    (line,) = re.findall(r"^FAILED: .*$", done.text, re.MULTILINE)
    assert said in line
    assert re.search(r"^\* Failed: yes$", done.out, re.MULTILINE), "CK says it"
    assert "Traceback" not in done.text
    assert not (installed.folder / "repos" / "local" / "experiment" / record).exists()
    assert not timer_of(installed).exists()


def test_model_optimizer_converts_the_chosen_model_by_seed_2s_configuration(installed: Sandbox) -> None:
    done = optimize(
        installed,
        "--env.MO_OUTPUT=detection_boxes,detection_scores,num_detections",
        "--env.MO_MODEL_NAME=ssd",
        "--env.MO_DATA_TYPE=FP16",
    )
    assert done.code == 0, done.text
    assert "FAILED" not in done.text
    written = optimized_in(installed)
    model = read_ir(written / "ssd.xml")
    assert (model.score_threshold, model.keep_top_k) == (0.01, 200), "what the configuration states"
    assert f"{written / 'ssd.bin'}  {(written / 'ssd.bin').stat().st_size} bytes" in done.out


def test_model_optimizer_fails_with_one_line_and_no_file(installed: Sandbox) -> None:
    done = optimize(installed, "--env.MO_OUTPUT=no_such_node", "--env.MO_MODEL_NAME=none")
    (line,) = re.findall(r"^FAILED: .*$", done.text, re.MULTILINE)
    assert "no such node" in line
    assert not (optimized_in(installed) / "none.xml").exists()
    assert "Traceback" not in done.text


@pytest.mark.usefixtures("object_detection_api")
def test_a_frozen_graph_of_the_checkpoint_goes_into_model_optimizer(installed: Sandbox) -> None:
    frozen = installed.ck("run", "program:export-frozen-graph", "--dep_add_tags.weights=shapes")
    assert frozen.code == 0, frozen.text
    graph = installed.program("export-frozen-graph") / "tmp" / "frozen_inference_graph.pb"
    assert str(graph) in frozen.out
    done = optimize(installed, f"--env.MO_INPUT_MODEL={graph}", "--env.MO_MODEL_NAME=again")
    assert "FAILED" not in done.text
    assert read_ir(optimized_in(installed) / "again.xml").num_classes == 6
