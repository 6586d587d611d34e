"""``ckssd export --frozen_graph``: files, account, one line for every mistake; no installation is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckssd.cli import main
from ckssd.graph.graphdef import read_graph, write_graph
from tests.graph.tiny_ssd import tiny_ssd
from tests.support.sandbox import CHECKOUT


def export(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ckssd", "export", *map(str, arguments)]
    environment = {**os.environ, "CK_HOME": "/nonexistent", "CK_REPOS": "/nonexistent", **variables}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a space, a ' and é"
    made.mkdir()
    return made


@pytest.fixture
def graph_file(folder: Path) -> Path:
    path = folder / "frozen_inference_graph.pb"
    write_graph(tiny_ssd(), path)
    return path


def test_the_graph_and_its_text(graph_file: Path, folder: Path) -> None:
    done = export("--frozen_graph", graph_file, "--output", folder / "out", "--max-detections=7", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["graph"] == str(folder / "out/tflite_graph.pb")
    assert data["settings"]["max_detections"] == {"value": 7, "origin": "MAX_DETECTIONS"}
    assert data["settings"]["score_threshold"]["origin"] == "graph, NonMaxSuppressionV3 nodes"
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "tflite_graph.pb",
        "tflite_graph.pbtxt",
    ]
    node = read_graph(folder / "out/tflite_graph.pb").node("TFLite_Detection_PostProcess")
    assert node.attribute("use_regular_nms") is True
    text = (folder / "out/tflite_graph.pbtxt").read_text()
    assert '  attr {\n    key: "max_detections"\n    value {\n      i: 7\n    }\n  }\n' in text


def test_each_value_is_printed_with_its_origin(graph_file: Path, folder: Path) -> None:
    done = export("--frozen-graph", graph_file, "--output", folder, "--nms", "fast")
    assert done.returncode == 0, done.stderr
    assert "activation: sigmoid (node Postprocessor/convert_scores)\n" in done.stdout
    assert "iou_threshold: 0.6 (graph, NonMaxSuppressionV3 nodes)\n" in done.stdout


def test_without_nms_there_are_anchors(graph_file: Path, folder: Path) -> None:
    done = export("--frozen_graph", graph_file, "--output", folder, "--nms=none")
    assert done.returncode == 0, done.stderr
    lines = (folder / "flatanchors.txt").read_text().splitlines()
    assert len(lines) == 5
    assert [float(value) for value in lines[4].split()] == pytest.approx([0.5, 0.5, 0.9, 0.9])


def test_a_dry_run_writes_nothing(graph_file: Path, folder: Path) -> None:
    done = export("--frozen_graph", graph_file, "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "num_classes: 2 (graph, class predictions)" in done.stdout
    assert [path.name for path in folder.iterdir()] == ["frozen_inference_graph.pb"]


def test_variables_of_another_model_do_not_count(graph_file: Path, folder: Path) -> None:
    others = {"CK_ENV_TENSORFLOW_MODEL_NMS_SCORE_THRESHOLD": "0.7", "MAX_DETECTIONS": "3"}
    done = export("--frozen_graph", graph_file, "--output", folder, "--json", **others)
    settings = json.loads(done.stdout)["data"]["settings"]
    assert (settings["score_threshold"]["value"], settings["max_detections"]["value"]) == (1e-8, 100)


def test_a_pipeline_configuration_beside_the_graph_is_another_models(graph_file: Path, folder: Path) -> None:
    (folder / "pipeline.config").write_text("model { ssd { num_classes: 90 } }")
    done = export("--frozen_graph", graph_file, "--output", folder / "out")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "not this graph's" in done.stderr
    assert not (folder / "out").exists()


GRAPH = "--frozen_graph={graph}"
MISTAKES = {
    "no file": (["--frozen_graph=nothing.pb", "--output=out"], 3, "cannot be read"),
    "a text": (["--frozen_graph=" + str(CHECKOUT / "README.md"), "--output=out"], 3, "graph"),
    "a kind of NMS": ([GRAPH, "--output=out", "--nms=soft"], 2, "expected regular, fast or none, got soft"),
    "a limit": ([GRAPH, "--output=out", "--max-detections=0"], 2, "MAX_DETECTIONS (expected a whole number"),
    "a threshold": ([GRAPH, "--output=out", "--iou-threshold=7"], 2, "NMS_IOU_THRESHOLD"),
    "fast NMS with classes": (
        [GRAPH, "--output=out", "--nms=fast", "--max-classes-per-detection=2"],
        2,
        "fast NMS reports one class",
    ),
    "limits without NMS": ([GRAPH, "--output=out", "--nms=none", "--max-detections=5"], 2, "no limits"),
    "flags of a checkpoint": ([GRAPH, "--output=out", "--tags=shapes"], 2, "--tags"),
    "a dry run of a checkpoint": (["--tags=shapes", "--output=out", "--dry_run"], 2, "only for an export"),
    "no folder": ([GRAPH], 2, "--output"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line(case: str, graph_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flags, code, said = MISTAKES[case]
    assert main(["export", *(flag.format(graph=graph_file) for flag in flags)]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
