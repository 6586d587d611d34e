"""An ONNX model's variables: which of its graphs runs, and what counts for each kind."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from ckssd.errors import UsageError
from ckssd.model.description import Model, from_mapping
from ckssd.model.entry import from_environment
from ckssd.model.named import variables_of
from tests.onnx.tiny_graph import write_network, write_whole

ONNX = "CK_ENV_ONNX_MODEL_"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package with both graphs, anchors and a label map."""
    made = tmp_path / "ein Maß"
    made.mkdir()
    write_network(made / "model_no_nms.onnx")
    write_whole(made / "model.onnx", size=8)
    (made / "flatanchors.txt").write_text("0.5 0.5 0.2 0.2\n" * 64)
    (made / "labelmap.pbtxt").write_text("item { id: 1 name: 'one' }")
    return made


def entry(folder: Path, **changed: str) -> dict[str, str]:
    """The variables of the package's entry."""
    named = {"ONNX_FILEPATH": "model.onnx", "ONNX_GRAPH_NO_NMS": "model_no_nms.onnx"}
    stated = {"ROOT": str(folder), **named, "NMS_SCORE_THRESHOLD": "0.3", "NUM_CLASSES": "6"}
    return {"CK_RUNTIME": "onnx", **{ONNX + name: text for name, text in stated.items()}, **changed}


def test_the_network_with_this_projects_nms_goes_first(folder: Path) -> None:
    model = from_environment(entry(folder))
    assert (model.file.name, model.nms) == ("model_no_nms.onnx", "none")
    assert model.own_nms is not None
    assert model.own_nms.options.nms_score_threshold == 0.3, "the entry's own, under its prefix"
    assert Path(model.own_nms.anchors).name == "flatanchors.txt"
    assert from_mapping(json.loads(json.dumps(dataclasses.asdict(model), default=str))) == model


def test_the_whole_graph_runs_where_its_nms_is_asked_for(folder: Path) -> None:
    model = from_environment(entry(folder, USE_NMS="regular"))
    assert (model.file.name, model.nms, model.own_nms) == ("model.onnx", "regular", None)


def test_a_file_that_was_named_decides_the_kind(folder: Path) -> None:
    kinds = {name: described(folder / name).nms for name in ("model.onnx", "model_no_nms.onnx")}
    assert kinds == {"model.onnx": "regular", "model_no_nms.onnx": "none"}
    alone = described(folder / "model_no_nms.onnx")
    assert alone.own_nms is not None
    assert alone.own_nms.options.num_classes == 6, "the columns of its class predictions less the background"


def described(file: Path, **changed: str) -> Model:
    return from_environment({**variables_of(file), **changed})


@pytest.mark.parametrize(
    ("name", "setting", "said"),
    [
        ("model.onnx", "USE_NMS=none", "USE_NMS asks for a graph that the model has not.*expected regular"),
        ("model.onnx", "USE_NMS=fast", "USE_NMS asks for a graph that the model has not"),
        ("model_no_nms.onnx", "USE_NMS=regular", "USE_NMS.*expected none"),
        ("model.onnx", "CK_NMS=fast", "CK_NMS counts only.*whole ONNX graph"),
        ("model.onnx", "CUSTOM_MODEL_SETTINGS=yes", "CUSTOM_MODEL_SETTINGS.*whole ONNX graph"),
        ("model.onnx", "CK_SCORE_ACTIVATION=sigmoid", "CK_SCORE_ACTIVATION.*no value"),
        ("model_no_nms.onnx", f"{ONNX}ANCHORS=gone.txt", f"{ONNX}ANCHORS.*existing file"),
        ("model_no_nms.onnx", f"{ONNX}NMS_IOU_THRESHOLD=2", f"{ONNX}NMS_IOU_THRESHOLD"),
    ],
)
def test_what_a_graph_cannot_do_is_refused(folder: Path, name: str, setting: str, said: str) -> None:
    variable, _, text = setting.partition("=")
    with pytest.raises(UsageError, match=said):
        described(folder / name, **{variable: text})


def test_this_projects_nms_takes_custom_settings(folder: Path) -> None:
    custom = {"CUSTOM_MODEL_SETTINGS": "yes", "NMS_SCORE_THRESHOLD": "0.00001", "CK_NMS": "fast"}
    model = from_environment(entry(folder, **custom))
    assert model.own_nms is not None
    assert model.own_nms.options.nms_score_threshold == 0.00001
    assert model.own_nms.options.nms == "fast"


def test_without_anchors_it_says_where_they_are_looked_for(folder: Path) -> None:
    (folder / "flatanchors.txt").unlink()
    with pytest.raises(UsageError, match=rf"{ONNX}ANCHORS is not set: beside .*flatanchors\.txt"):
        described(folder / "model_no_nms.onnx")


def test_a_model_without_a_file_names_the_published_variable(folder: Path) -> None:
    with pytest.raises(UsageError, match=f"{ONNX}ONNX_FILEPATH is not set"):
        from_environment({"CK_RUNTIME": "onnx", f"{ONNX}ROOT": str(folder)})
