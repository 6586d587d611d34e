"""Both steps with a real TensorFlow, the real Object Detection API and the built-in checkpoint.

The packages come from the session's CK home. To try another TensorFlow, name what to use:
CKSSD_TEST_TF_PYTHON, CKSSD_TEST_OBJ_DET_DIR and CKSSD_TEST_MODEL_DIR.
"""

import hashlib
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from ckssd.errors import RunError
from ckssd.tflite.convert import Conversion, convert_graph, make_tflite_model
from ckssd.tflite.export import Checkpoint, export_tflite_graph
from ckssd.tflite.process import research_directories, tool_environment
from ckssd.tflite.settings import ExportSettings

pytestmark = pytest.mark.slow

GIVEN = {
    "python": ("CKSSD_TEST_TF_PYTHON", "lib,tensorflow,v2", "CK_ENV_LIB_TF_PYTHON_FILE"),
    "api": ("CKSSD_TEST_OBJ_DET_DIR", "model,tensorflow,api", "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"),
    "model": (
        "CKSSD_TEST_MODEL_DIR",
        "model,tensorflow,object-detection,shapes",
        "CK_ENV_TENSORFLOW_MODEL_ROOT",
    ),
}
UNUSUAL = ExportSettings("regular", 37, 2, 21, 0.125, 0.5)

IMPORT_ALL_MESSAGES = """
import importlib, pathlib, sys
import object_detection.protos as package
folder = pathlib.Path(list(package.__path__)[0])
names = sorted(path.stem for path in folder.glob("*_pb2.py"))
for name in names:
    module = importlib.import_module("object_detection.protos." + name)
    for message in module.DESCRIPTOR.message_types_by_name:
        getattr(module, message)()
from object_detection.protos import hyperparams_pb2, post_processing_pb2
assert post_processing_pb2.PostProcessing.SIGMOID == 1
assert hyperparams_pb2.Hyperparams.Activation.Name(2) == "RELU_6"
print(len(names))
"""


@pytest.fixture(scope="module")
def real(request):
    """Interpreter, API and model: those named in the environment, else those that are installed."""
    found = {}
    for name, (variable, tags, ck_variable) in GIVEN.items():
        if os.environ.get(variable):
            found[name] = Path(os.environ[variable])
        else:
            request.getfixturevalue("object_detection_api")
            sandbox = request.getfixturevalue("installed")
            done = sandbox.in_environment(tags, f"printf '%s\\n' \"${ck_variable}\"")
            found[name] = Path(done.out.strip().splitlines()[-1])
    return SimpleNamespace(**found)


@pytest.fixture(scope="module")
def exported(real, tmp_path_factory):
    """A graph by the exporter's own script, with unusual settings, in a path with a space."""
    folder = tmp_path_factory.mktemp("step one") / "out"
    checkpoint = Checkpoint.in_directory(real.model)
    return export_tflite_graph(real.python, real.api, checkpoint, folder, UNUSUAL)


@pytest.fixture(scope="module")
def made(real, tmp_path_factory):
    """The whole model, by one process."""
    folder = tmp_path_factory.mktemp("both steps")
    return make_tflite_model(real.python, real.api, real.model, folder, UNUSUAL)


READ_TEXT = """
import sys
from google.protobuf import text_format
from tensorflow.core.framework.graph_pb2 import GraphDef
binary, text = GraphDef(), GraphDef()
binary.ParseFromString(open(sys.argv[1], "rb").read())
text_format.Parse(open(sys.argv[2]).read(), text)
assert binary == text and len(text.node) > 500
"""


@pytest.fixture(scope="module")
def from_frozen(real, tmp_path_factory):
    """The whole model once more, from the frozen graph: no checkpoint, no Object Detection API."""
    folder = tmp_path_factory.mktemp("from frozen")
    graph = real.model / "frozen_inference_graph.pb"
    return make_tflite_model(real.python, None, real.model, folder, UNUSUAL, frozen_graph=graph)


def _attribute(text, name):
    match = re.search(rf'key: "{name}"\s+value {{\s+(\w): ([^\s}}]+)', text)
    return match.group(2)


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_graph_has_the_settings_asked_for(exported):
    text = exported[1].read_text()
    assert _attribute(text, "use_regular_nms") == "true"
    assert _attribute(text, "max_detections") == "37"
    assert _attribute(text, "max_classes_per_detection") == "2"
    assert _attribute(text, "detections_per_class") == "21"
    assert float(_attribute(text, "nms_score_threshold")) == 0.125
    assert float(_attribute(text, "nms_iou_threshold")) == 0.5


def test_nothing_but_the_two_files_is_left(exported):
    assert sorted(exported[0].parent.iterdir()) == sorted(exported)


def test_own_process_and_shared_process_make_the_same_tflite(real, exported, made, tmp_path):
    """The exporter's script alone and the one-process way must not drift apart."""
    files = {path.name: path for path in made.files}
    with_op, cut, anchors = tmp_path / "detect.tflite", tmp_path / "detect_cut.tflite", tmp_path / "anchors"
    conversions = [Conversion(with_op), Conversion(cut, postprocess=False)]
    converted = convert_graph(real.python, exported[0], conversions, anchors=anchors)
    assert anchors.read_bytes() == files["flatanchors.txt"].read_bytes()
    if int(converted.tensorflow.split(".")[0]) >= 2:  # TensorFlow 1's converter is not reproducible
        assert _sha256(with_op) == _sha256(files["detect_regular_nms.tflite"])
        assert _sha256(cut) == _sha256(files["detect_no_nms.tflite"])
    assert with_op.stat().st_size == files["detect_regular_nms.tflite"].stat().st_size


def test_the_frozen_graph_gives_the_same_bytes_as_the_checkpoint(made, from_frozen):
    """Regular, fast and no NMS, anchors and labels; the graph itself differs in attributes with defaults."""
    if int(made.tensorflow.split(".")[0]) < 2:
        pytest.skip("TensorFlow 1's converter is not reproducible")
    others = {path.name: path for path in from_frozen.files}
    for path in made.files:
        if not path.name.startswith("tflite_graph"):
            assert path.read_bytes() == others[path.name].read_bytes(), path.name


def test_tensorflow_reads_the_text_of_the_graph_as_the_graph(real, from_frozen):
    files = {path.name: path for path in from_frozen.files}
    command = [real.python, "-c", READ_TEXT, files["tflite_graph.pb"], files["tflite_graph.pbtxt"]]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_model_has_its_files_and_both_kinds_of_nms(made):
    files = {path.name: path for path in made.files}
    assert all(path.is_file() for path in files.values())
    folder = files["tflite_graph.pb"].parent
    assert {path.name for path in folder.iterdir()} == set(files)
    assert _sha256(files["detect_regular_nms.tflite"]) != _sha256(files["detect_fast_nms.tflite"])
    assert files["detect_no_nms.tflite"].stat().st_size < files["detect_fast_nms.tflite"].stat().st_size
    assert _attribute(files["tflite_graph.pbtxt"].read_text(), "use_regular_nms") == "true"
    assert len(files["flatlabels.txt"].read_text().splitlines()) == made.num_classes + 1


def test_anchors_are_those_of_the_ssd_grid(made):
    """300x300 SSD: grids of 19, 10, 5, 3, 2 and 1 cells with 3, 6, 6, 6, 6, 6 anchors each."""
    file = next(path for path in made.files if path.name == "flatanchors.txt")
    rows = [[float(value) for value in line.split()] for line in file.read_text().splitlines()]
    assert len(rows) == made.num_anchors == 19 * 19 * 3 + sum(n * n * 6 for n in (10, 5, 3, 2, 1))
    assert rows[0] == pytest.approx([0.5 / 19, 0.5 / 19, 0.1, 0.1], abs=1e-6)
    assert rows[-1][:2] == pytest.approx([0.5, 0.5], abs=1e-6)


def test_every_message_file_loads_with_this_protobuf(real):
    done = subprocess.run(
        [str(real.python), "-c", IMPORT_ALL_MESSAGES],
        env=tool_environment(real.python, research_directories(real.api, real.python)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(list((real.api / "protos").glob("*_pb2.py")))


def test_bad_pipeline_configuration_leaves_nothing(real, tmp_path):
    config = tmp_path / "pipeline.config"
    config.write_text("model { ssd { no_such_field: 1 } }")
    checkpoint = Checkpoint(config, real.model / "model.ckpt")
    with pytest.raises(RunError, match="no_such_field"):
        export_tflite_graph(real.python, real.api, checkpoint, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_file_that_is_no_graph_is_refused(real, tmp_path):
    graph, output = tmp_path / "tflite_graph.pb", tmp_path / "detect.tflite"
    graph.write_bytes(b"")
    output.write_bytes(b"before")
    with pytest.raises(RunError, match="no node anchors"):
        convert_graph(real.python, graph, [Conversion(output)])
    assert output.read_bytes() == b"before"
