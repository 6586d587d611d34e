"""The program export-tflite-ssd-graph, where neither TensorFlow nor the Object Detection API is installed."""

from __future__ import annotations

from pathlib import Path

from ckssd.graph.graphdef import read_graph
from tests.support.sandbox import CHECKOUT, Sandbox

SHAPES = CHECKOUT / "package/model-tf-ssd-mobilenet-v1-shapes/files/frozen_inference_graph.pb"
RUN = ("run", "program:export-tflite-ssd-graph", "--quiet")


def test_it_exports_the_chosen_models_frozen_graph(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.install("model,tensorflow,ssd-mobilenet,shapes")
    done = sandbox.ck(*RUN, "--env.EXPORT_FROM=frozen-graph", f"--env.OUTPUT_DIRECTORY={tmp_path}")
    assert done.code == 0, done.text
    assert "score_threshold: 0.3 (CK_ENV_TENSORFLOW_MODEL_NMS_SCORE_THRESHOLD)" in done.text
    node = read_graph(tmp_path / "tflite_graph.pb").node("TFLite_Detection_PostProcess")
    assert (node.attribute("num_classes"), node.attribute("max_detections")) == (6, 100)


def test_it_exports_a_file_without_any_package(sandbox: Sandbox, tmp_path: Path) -> None:
    variables = {
        "EXPORT_FROM": "file",
        "FROZEN_GRAPH": SHAPES,
        "USE_NMS": "fast",
        "OUTPUT_DIRECTORY": tmp_path,
    }
    done = sandbox.ck(*RUN, *(f"--env.{name}={value}" for name, value in variables.items()))
    assert done.code == 0, done.text
    assert "score_threshold: 1e-08 (graph, NonMaxSuppressionV5 nodes)" in done.text
