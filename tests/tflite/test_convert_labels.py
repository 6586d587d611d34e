"""Label maps, the inputs of Step 2, and the language of scripts that run in old environments."""

import ast
import sys
from importlib import resources
from pathlib import Path

import pytest

from ckssd.errors import InputError, RunError
from ckssd.tflite.convert import Conversion, convert_graph, make_tflite_model
from ckssd.tflite.labels import flat_labels, read_label_map
from ckssd.tflite.program import convert_from_environment

LABEL_MAP = """# with { braces } and 'quotes'
item {
  name: "/m/01g317"  # person {
  id: 1
  display_name: "a \\"person\\""
  keypoints { id: 9 label: "nose" }
}
item: { id: 3, name: 'id' }
item < name: 'q} {' id: 4 >
"""


@pytest.fixture
def label_map(tmp_path):
    path = tmp_path / "labelmap.pbtxt"
    path.write_text(LABEL_MAP)
    return path


def test_label_map_is_read_like_a_text_proto(label_map):
    assert read_label_map(label_map) == {1: 'a "person"', 3: "id", 4: "q} {"}


def test_flat_labels_have_a_line_for_every_class_id(label_map):
    text = flat_labels(read_label_map(label_map), 5, label_map)
    assert text.splitlines() == ["???", 'a "person"', "???", "id", "q} {", "???"]


def test_labels_beyond_the_model_are_refused(label_map):
    with pytest.raises(InputError, match="class ids from 1 to 3, got 4"):
        flat_labels(read_label_map(label_map), 3, label_map)


@pytest.mark.parametrize(
    "text", ["", "item { id: 1 }", "item { name: 'a' }", "item { id: 1 name: 'a' } item { id: 1 name: 'b' }"]
)
def test_bad_label_maps_are_refused(tmp_path, text):
    path = tmp_path / "labelmap.pbtxt"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_label_map(path)
    assert caught.value.where == str(path)


def test_missing_graph_is_named_before_tensorflow_starts(tmp_path):
    with pytest.raises(InputError, match="the graph is missing"):
        convert_graph(Path("/none"), tmp_path / "tflite_graph.pb", [Conversion(tmp_path / "x.tflite")])


# In place of TensorFlow's Python: writes all files but the last, and fails.
FAILS_AT_THE_LAST = """#!/bin/sh
exec "{python}" -c '
import json, pathlib, sys
for step in json.load(open(sys.argv[1]))["steps"][:-1]:
    pathlib.Path(step["output"]).write_text("new")
sys.exit("no more")' "$2"
"""


def test_a_conversion_that_fails_half_way_leaves_what_was_there(tmp_path):
    python, graph, folder = tmp_path / "python", tmp_path / "tflite_graph.pb", tmp_path / "out"
    python.write_text(FAILS_AT_THE_LAST.format(python=sys.executable))
    python.chmod(0o755)
    graph.touch()
    folder.mkdir()
    (folder / "detect.tflite").write_text("old")
    conversions = [Conversion(folder / name) for name in ("detect.tflite", "detect_cut.tflite")]
    with pytest.raises(RunError, match="no more"):
        convert_graph(python, graph, conversions, anchors=folder / "flatanchors.txt")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"detect.tflite": "old"}


def test_program_says_where_it_looked_for_the_graph(tmp_path):
    env = {"CK_ENV_LIB_TF_PYTHON_FILE": sys.executable, "CK_ENV_TENSORFLOW_MODEL_ROOT": "/m"}
    with pytest.raises(InputError, match="export-tflite-ssd-graph") as caught:
        convert_from_environment(env, tmp_path)
    assert caught.value.where == f"{tmp_path / 'tflite_graph.pb'} or /m/tflite_graph.pb"


def test_missing_label_map_is_named_before_tensorflow_starts(tmp_path):
    for name in ("pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"labelmap\.pbtxt"):
        make_tflite_model(Path("/none"), Path("/none"), tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", ["odapi_compat.py", "odapi_protos.py", "tflite_steps.py"])
def test_scripts_for_old_environments_speak_python_3_6(name):
    source = (resources.files("ckssd.tflite") / "inside" / name).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(str(module).startswith("ckssd") for module in modules)
