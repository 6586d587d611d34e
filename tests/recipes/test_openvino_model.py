"""OpenVINO models as packages: which file, thresholds and limits they are made with; the real conversion."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ckssd.detect.openvino import read_ir
from ckssd.errors import InputError, NotInstalledError, UsageError
from ckssd.install import Provenance
from ckssd.recipes import Dependency, Package
from ckssd.recipes.openvino_model import MODEL, PYTHON, SOURCE_DIGEST, openvino_model
from tests.support.sandbox import CHECKOUT

pytestmark = pytest.mark.slow

SHAPES = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes"


def package(options: dict[str, str], **changed: str | None) -> Package:
    """The built-in model's IR, by the OpenVINO of these tests."""
    stated = json.loads((SHAPES / ".cm" / "meta.json").read_text())["env"]
    source = {
        **stated,
        f"{MODEL}FROZEN_GRAPH": str(SHAPES / "files" / "frozen_inference_graph.pb"),
        f"{MODEL}PIPELINE_CONFIG": str(SHAPES / "files" / "pipeline.config"),
        f"{MODEL}LABELMAP_FILE": str(SHAPES / "files" / "labelmap.pbtxt"),
        **{MODEL + name: value for name, value in changed.items()},
    }
    variables = {name: value for name, value in source.items() if value is not None}
    dependencies = {
        "model-source": Dependency("1" * 16, variables),
        "lib-openvino": Dependency("2" * 16, {PYTHON: sys.executable}),
    }
    return Package("name", "0" * 16, "1.0", CHECKOUT, {"ckssd": {}}, options, dependencies)


def test_the_models_entry_decides_thresholds_and_limits(tmp_path: Path) -> None:
    used = openvino_model(package({}), tmp_path)
    model = read_ir(tmp_path / "openvino_model.xml")
    assert (model.score_threshold, model.iou_threshold, model.keep_top_k) == (0.3, 0.6, 100)
    assert (tmp_path / "labelmap.pbtxt").read_bytes() == (SHAPES / "files" / "labelmap.pbtxt").read_bytes()
    assert used.extra["settings"]["activation"] == "sigmoid"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("labelmap.pbtxt", "openvino_model.bin", "openvino_model.xml"),
    ]


def test_the_installs_own_variables_stand_above_the_entry(tmp_path: Path) -> None:
    options = {"NMS_SCORE_THRESHOLD": "0.02", "MAX_DETECTIONS": "50", "INPUT_SHAPE": "[1,320,320,3]"}
    openvino_model(package(options), tmp_path)
    model = read_ir(tmp_path / "openvino_model.xml")
    assert (model.score_threshold, model.iou_threshold, model.keep_top_k) == (0.02, 0.6, 50)
    assert (model.input.width, model.input.height) == (320, 320)


def test_a_model_that_states_nothing_has_what_the_configuration_states(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("NMS_SCORE_THRESHOLD", "NMS_IOU_THRESHOLD", "MAX_DETECTIONS"))
    openvino_model(package({}, **nothing), tmp_path)
    model = read_ir(tmp_path / "openvino_model.xml")
    assert (model.score_threshold, model.keep_top_k) == (0.01, 200)


def test_a_model_without_a_frozen_graph_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match="export-frozen-graph"):
        openvino_model(package({}, FROZEN_GRAPH=None), tmp_path)


def test_a_bad_value_is_refused_by_its_name_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="confidence_threshold"):
        openvino_model(package({"NMS_SCORE_THRESHOLD": "often"}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_graph_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labelmap\.pbtxt"):
        openvino_model(
            package({}, FROZEN_GRAPH=str(SHAPES / "files" / "labelmap.pbtxt")), tmp_path / "staging"
        )
    assert not list(tmp_path.glob("staging/*"))


def test_an_ir_of_another_model_is_not_taken_for_that_of_the_chosen_one(tmp_path: Path) -> None:
    graph = tmp_path / "frozen_inference_graph.pb"
    graph.write_bytes(b"one")
    chosen = package({}, FROZEN_GRAPH=str(graph))
    same, another = (
        Provenance(
            openvino_model.identity(chosen), extra={SOURCE_DIGEST: hashlib.sha256(made_from).hexdigest()}
        )
        for made_from in (b"one", b"two")
    )
    openvino_model.check(chosen, same)
    with pytest.raises(UsageError, match=r"made from another model.*CK_REINSTALL"):
        openvino_model.check(chosen, another)
    graph.unlink()
    openvino_model.check(chosen, another)
    openvino_model.check(replace(chosen, dependencies={}), another)
