"""Models of TensorFlow 2: which files are taken, and one line where one is missing or another model's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ckssd.errors import CkssdError, InputError, UsageError
from ckssd.tflite.saved_model import saved_model_folder
from ckssd.tflite.tf2_checkpoint import check_architecture, checkpoint_in, find_checkpoint
from ckssd.tflite.tf2_program import frozen_first
from tests.support.inside import load_inside
from tests.support.tf2_models import write_small_config

ROOT = "CK_ENV_TENSORFLOW_MODEL_ROOT"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder as training leaves it, with empty files."""
    folder = tmp_path / "a model"
    write_small_config(folder)
    (folder / "checkpoint").mkdir()
    for step in (2, 10):
        for ending in ("index", "data-00000-of-00001"):
            (folder / "checkpoint" / f"ckpt-{step}.{ending}").touch()
    return folder


def test_the_last_checkpoint_is_found_in_the_folder_and_from_inside_it(model: Path) -> None:
    assert find_checkpoint(model) == model / "checkpoint" / "ckpt-10"
    assert find_checkpoint(model / "checkpoint") == model / "checkpoint" / "ckpt-10"
    assert checkpoint_in(model / "checkpoint").pipeline_config == model / "pipeline.config"
    assert find_checkpoint(model / "nowhere") is None


def test_a_checkpoint_without_its_configuration_or_data(model: Path) -> None:
    (model / "checkpoint" / "ckpt-10.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match="the checkpoint's data is missing"):
        checkpoint_in(model)
    (model / "pipeline.config").unlink()
    with pytest.raises(InputError, match="The checkpoint's configuration is missing"):
        checkpoint_in(model)
    with pytest.raises(InputError, match="There is no checkpoint of TensorFlow 2"):
        checkpoint_in(model.parent)


def test_a_configuration_of_tensorflow_1(model: Path) -> None:
    config = model / "pipeline.config"
    config.write_text(config.read_text().replace("_keras", ""))
    with pytest.raises(InputError, match="The configuration is that of a model of TensorFlow 1"):
        check_architecture(config)


def given(variables: Mapping[str, str], directory: Path) -> dict[str, str]:
    with frozen_first(variables, directory) as named:
        return named


def test_a_frozen_graph_that_is_there_is_taken(model: Path) -> None:
    graph = model / "frozen_inference_graph.pb"
    graph.touch()
    named = given({ROOT: str(model)}, model)
    assert named["EXPORT_FROM"] == "frozen-graph"
    assert named["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"] == str(graph)


@pytest.mark.parametrize(
    "more", [{"FROZEN_GRAPH": "graph.pb"}, {"EXPORT_FROM": "frozen-graph"}, {"EXPORT_FROM": "file"}]
)
def test_what_names_another_source_stays_as_it_is(model: Path, more: dict[str, str]) -> None:
    variables = {ROOT: str(model), **more}
    assert given(variables, model) == variables


def bad(model: Path) -> Iterator[tuple[dict[str, str], str]]:
    yield {"SAVED_MODEL_DIR": "nowhere"}, "This is no SavedModel"
    yield {"SAVED_MODEL_DIR": str(model), "FROZEN_GRAPH": "graph.pb"}, "Two models are named"
    yield {ROOT: str(model)}, "CK_ENV_LIB_TF_PYTHON_FILE is not set"


def test_one_line_for_a_mistake(model: Path) -> None:
    for variables, told in bad(model):
        with pytest.raises((CkssdError, UsageError), match=told):
            given(variables, model)


def test_a_saved_model_is_found_in_the_models_folder_and_needs_its_weights(model: Path) -> None:
    inner = model / "saved_model"
    (inner / "variables").mkdir(parents=True)
    (inner / "saved_model.pb").touch()
    (inner / "variables" / "variables.index").touch()
    with pytest.raises(InputError, match="The SavedModel's weights are missing"):
        saved_model_folder(model)
    (inner / "variables" / "variables.data-00000-of-00001").touch()
    assert saved_model_folder(model) == saved_model_folder(inner) == inner


def test_variables_that_do_not_fit_are_named() -> None:
    script = load_inside("export_tf2_checkpoint")
    script.check({"model/a": (1, 2)}, {"model/a": (1, 2), "model/more": (3,)})
    with pytest.raises(
        SystemExit, match=r"in 2 of 3 variables: model/b is missing; model/c is \[4\], not \[3\]"
    ):
        script.check({"model/a": (1,), "model/b": (2,), "model/c": (3,)}, {"model/a": (1,), "model/c": (4,)})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  ssd {", "  faster_rcnn {", "got Faster R-CNN"),
        ("  ssd {", "  center_net {", "got CenterNet"),
        ("ssd_mobilenet_v2_fpn_keras", "ssd_efficientnet-b0_bifpn_keras", "that of EfficientDet"),
    ],
)
def test_another_architecture_is_said_by_its_name(model: Path, old: str, new: str, told: str) -> None:
    config = model / "pipeline.config"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=told):
        check_architecture(config)
