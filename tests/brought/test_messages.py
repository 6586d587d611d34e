"""What goes wrong is said in one line, its own reason first; what goes well is not buried in logs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.graph.ssd.kinds import FOR_TFLITE
from ckssd.tflite.program import convert_from_environment
from tests.brought.test_models import root_of
from tests.graph.tiny_ssd import tiny_ssd
from tests.support.sandbox import CHECKOUT, Sandbox


def for_tflite() -> Graph:
    graph = Graph([], source="tflite_graph.pb")
    for name in FOR_TFLITE:
        graph.add("Identity", name, ())
    return graph


def write(graph: Graph) -> Callable[[Path], None]:
    return lambda path: write_graph(graph, path)


def cut(path: Path) -> None:
    write_graph(for_tflite(), path)
    path.write_bytes(path.read_bytes()[:-7])


BROUGHT: dict[str, tuple[Callable[[Path], object], str]] = {
    "a manual": (lambda path: shutil.copy(CHECKOUT / "README.md", path), "The file is no graph: .*got text"),
    "random bytes": (lambda path: path.write_bytes(bytes(range(256))), "no graph"),
    "nothing": (lambda path: path.touch(), "The graph file is empty"),
    "a part": (cut, "truncated"),
    "a folder": (lambda path: path.mkdir(), "a directory"),
    "no file": (lambda path: None, "No such file"),
    "a frozen graph": (
        write(tiny_ssd()),
        "not yet one for TFLite: .*; make one of it: ckssd export --frozen",
    ),
}


@pytest.mark.parametrize("kind", BROUGHT)
def test_what_is_no_graph_for_tflite_is_named_before_tensorflow_starts(kind: str, tmp_path: Path) -> None:
    bring, said = BROUGHT[kind]
    graph = tmp_path / "mine.pb"
    bring(graph)
    with pytest.raises(InputError, match=said) as caught:
        converted(graph, tmp_path / "out")
    assert caught.value.where == str(graph)
    assert "tflite_graph.pb" in str(caught.value.expected)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    graph, output = tmp_path / "tflite_graph.pb", tmp_path / "a file"
    write_graph(for_tflite(), graph)
    output.touch()
    with pytest.raises(EnvironmentSetupError, match=r"cannot be written to: .*a file"):
        converted(graph, output)


def converted(graph: Path, output: Path) -> None:
    """Convert; a TensorFlow that would start is none."""
    names = {"CK_ENV_LIB_TF_PYTHON_FILE": sys.executable, "TFLITE_GRAPH": str(graph)}
    convert_from_environment({**names, "OUTPUT_DIRECTORY": str(output)}, graph.parent)


@pytest.mark.full
@pytest.mark.usefixtures("object_detection_api")
def test_tensorflows_reason_comes_first_and_its_log_is_named(installed: Sandbox, tmp_path: Path) -> None:
    source = root_of(installed, "model,tensorflow,shapes", "CK_ENV_TENSORFLOW_MODEL")
    model = tmp_path / "my model"
    shutil.copytree(source, model)
    index = model / "model.ckpt.index"
    index.unlink()
    index.write_bytes(b"no index" * 100)
    cache = tmp_path / "cache"
    done = installed.ckssd(
        *("export", "--model", str(model), "--output", str(tmp_path / "out"), "--json"),
        CKSSD_CACHE=str(cache),
    )
    assert done.code == 8
    (error,) = json.loads(done.out)["errors"]
    assert (error["where"], error["got"]) == (
        str(model / "model.ckpt"),
        "DataLossError: not an sstable (bad magic number)",
    )
    assert error["advice"] == f"its log: {cache / 'logs' / 'tensorflow.log'}"
    assert "oneDNN" in (cache / "logs" / "tensorflow.log").read_text()
    step, said = done.err.splitlines()
    assert step.startswith("==> Export the checkpoint")
    assert said.startswith("ckssd export: The Object Detection API's exporter failed: ")


@pytest.mark.parametrize(
    ("tags", "prefix", "name"),
    [
        ("model,tensorflow,shapes", "CK_ENV_TENSORFLOW_MODEL", "frozen_inference_graph.pb"),
        ("model,tflite,shapes", "CK_ENV_TENSORFLOW_MODEL", "detect_regular_nms.tflite"),
        ("model,openvino,shapes", "CK_ENV_OPENVINO_MODEL", "openvino_model.xml"),
    ],
)
def test_what_runtimes_log_as_they_start_is_not_shown(
    installed: Sandbox, tags: str, prefix: str, name: str
) -> None:
    image = next((root_of(installed, "dataset,shapes,val", "CK_ENV_DATASET") / "images").iterdir())
    done = installed.ckssd("detect", "--model", str(root_of(installed, tags, prefix) / name), str(image))
    assert done.code == 0
    assert done.err == "detecting: done\n"
