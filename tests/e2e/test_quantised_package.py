"""MLPerf's quantised model as packages: TFLite of integers and an IR with FakeQuantize.

Its archive cannot be reached from here, so a local folder serves one of our own with the same names.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino
import pytest

from ckssd.model.description import Model
from ckssd.tflite.model import read_model
from ckssd.tflite.process import research_directories, run_tool, tool_environment
from tests.e2e.test_equality import variables
from tests.e2e.test_trained_quantised import IMAGES, SCRIPT, SEED, SIZE, check
from tests.support.frozen_graphs import freeze, noise_images, run_frozen_graphs
from tests.support.sandbox import Sandbox
from tests.support.ssd_models import SHAPES

pytestmark = [
    pytest.mark.full,
    pytest.mark.slow(seconds=120),
    pytest.mark.usefixtures("object_detection_api"),
]

NAME = "mobilenet_v1_ssd_8bit_finetuned.tar.gz"
SOURCE = "model,tensorflow,mlperf,quantized,finetuned"
TFLITE, IR = "model,tflite,quantized,finetuned", "model,openvino,quantized,finetuned"
LABELS = "labelmap.pbtxt"
FILES = ("detect_regular_nms.tflite", "detect_fast_nms.tflite", "detect_no_nms.tflite")


@pytest.fixture(scope="module")
def home(installed: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("a ck home") / "of packages", tools=installed)
    for tags in ("lib,tensorflow,v1.15", "model,tensorflow,api,v2020.07"):
        made.install(tags)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def graph(home: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model with the ranges of a training with quantisation."""
    folder = tmp_path_factory.mktemp("quantised")
    python = Path(variables(home, "lib,tensorflow,v1.15")["CK_ENV_LIB_TF_PYTHON_FILE"])
    api = Path(variables(home, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])
    np.savez(folder / "images.npz", **noise_images(4, SIZE, 21))
    words = [python, SCRIPT, SHAPES, folder / "images.npz", folder / "model"]
    environment = tool_environment(python, research_directories(api, python))
    run_tool(words, environment, name="the making of the checkpoint")
    made = folder / "model" / "graph.pb"
    freeze(python, api, {made: (folder / "model", "")})
    return made


def test_both_are_made_of_the_archives_graph_and_find_what_it_finds(
    home: Sandbox, graph: Path, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / NAME, "w:gz") as archive:
        for name in (graph.name, "pipeline.config"):
            archive.add(graph.with_name(name), f"mobilenet_v1_ssd_finetuned/{name}")
    accepted = {"CKSSD_MIRROR": str(tmp_path), "CKSSD_ACCEPT_UNVERIFIED": NAME}
    done = home.ckssd("install", f"--tags={SOURCE}", **accepted)
    assert done.code == 0, done.text
    # The label map that comes with it is COCO's; our graph has six classes.
    source = Path(variables(home, SOURCE)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    (source / LABELS).unlink()
    shutil.copyfile(SHAPES / LABELS, source / LABELS)
    for tags in ("lib,tensorflow,vcpu,v2", "lib,openvino"):
        home.install(tags)
    home.install(TFLITE, "--dep_add_tags.lib-tensorflow=v2")
    home.install(IR)
    folder = Path(variables(home, TFLITE)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    assert all(read_model(folder / name).inputs[0].dtype == "uint8" for name in FILES)
    xml = Path(variables(home, IR)["CK_ENV_OPENVINO_MODEL_XML"])
    types = {each.get_type_name() for each in openvino.Core().read_model(xml).get_ops()}
    assert "FakeQuantize" in types
    python = Path(variables(home, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    reference = run_frozen_graphs(python, {"it": graph}, noise_images(IMAGES, SIZE, SEED), tmp_path)["it"]
    check(Model("litert", folder / FILES[0]), reference)
    check(Model("openvino", xml), reference)
