"""One description of a model from its entry's variables: the file that was named, and what belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import CkssdError, InputError, UsageError
from ckssd.model.entry import from_environment
from ckssd.model.files import NAMED_GRAPH
from ckssd.model.named import variables_of
from ckssd.model.runtimes import MODEL
from tests.detect.tiny_model import tiny_model, tiny_model_without_nms


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three graphs of a package, and one of a person's own beside them, which is the fast one."""
    made = tmp_path / "a model"
    made.mkdir()
    (made / "detect_regular_nms.tflite").write_bytes(tiny_model())
    for name in ("detect_fast_nms", "detect_mine"):
        (made / f"{name}.tflite").write_bytes(tiny_model(use_regular_nms=False))
    (made / "detect_no_nms.tflite").write_bytes(tiny_model_without_nms())
    (made / "labelmap.pbtxt").write_text("item { id: 1 name: 'circle' }\n")
    return made


def named(path: Path, **more: str) -> dict[str, str]:
    return {**variables_of(path), **more}


def test_the_named_file_is_the_one_that_runs(folder: Path) -> None:
    model = from_environment(named(folder / "detect_mine.tflite"))
    assert model.file == folder / "detect_mine.tflite"
    assert model.nms == "fast", "read from the graph"
    assert from_environment({f"{MODEL}ROOT": str(folder)}).file.name == "detect_regular_nms.tflite"


@pytest.mark.parametrize("asked", ["regular", "none"])
def test_another_nms_than_the_named_files_is_refused(folder: Path, asked: str) -> None:
    with pytest.raises(UsageError, match=r"USE_NMS asks for another graph.*detect_mine.*expected fast"):
        from_environment(named(folder / "detect_mine.tflite", USE_NMS=asked))
    assert from_environment(named(folder / "detect_mine.tflite", USE_NMS="fast")).nms == "fast"


def test_custom_settings_make_another_nms_of_the_named_file(folder: Path) -> None:
    given = named(folder / "detect_mine.tflite", USE_NMS="regular", CUSTOM_MODEL_SETTINGS="yes")
    model = from_environment(given)
    assert (model.file.name, model.nms) == ("detect_mine.tflite", "fast")
    assert model.custom is not None


def test_a_named_file_that_is_gone_or_no_model_is_said(folder: Path) -> None:
    variables = named(folder / "detect_mine.tflite")
    (folder / "detect_mine.tflite").write_bytes(b"no model at all")
    with pytest.raises(InputError, match="no TFLite model"):
        from_environment(variables)
    (folder / "detect_mine.tflite").unlink()
    with pytest.raises(UsageError, match=NAMED_GRAPH):
        from_environment(variables)


@pytest.mark.parametrize(
    "order",
    [
        ("detect_mine.pbtxt", "detect_mine.txt", "labelmap.pbtxt", "labels.txt"),
        ("labelmap.txt", "labels.txt", "flatlabels.txt", "classes.txt"),
    ],
)
def test_labels_are_those_of_the_models_name_then_of_its_folder(folder: Path, order: tuple[str, ...]) -> None:
    (folder / "labelmap.pbtxt").unlink()
    for first in range(len(order)):
        for name in order[first:]:
            (folder / name).write_text("circle\n")
        assert from_environment(named(folder / "detect_mine.tflite")).labels == folder / order[first]
        for name in order:
            (folder / name).unlink(missing_ok=True)
    assert from_environment(named(folder / "detect_mine.tflite")).labels is None


def test_given_labels_go_before_those_that_are_found(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "other.txt"
    mine.write_text("circle\n")
    assert from_environment(variables_of(folder / "detect_mine.tflite", mine)).labels == mine


@pytest.mark.parametrize(("text", "expected"), [("", None), ("YES", 1), ("NO", 0), ("no", 0)])
def test_the_first_label_is_what_the_entry_states(folder: Path, text: str, expected: int | None) -> None:
    stated = {f"{MODEL}NEED_BACKGROUND_CORRECTION": text}
    assert from_environment(named(folder / "detect_mine.tflite", **stated)).first_label == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.pt", r"\.tflite, \.xml, \.pb, \.onnx"),
        ("model.bin", r"named by its \.xml"),
        ("model.ckpt-5.index", "exported first"),
        ("pipeline.config", "name the model beside it"),
        ("model", "no ending"),
        ("model.zip", r"\.tflite, \.xml, \.pb, \.onnx"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_the_way_on(folder: Path, name: str, said: str) -> None:
    (folder / name).write_bytes(b"?")
    with pytest.raises(UsageError, match=said):
        variables_of(folder / name)


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"The model is missing: .*gone\.tflite"):
        variables_of(folder / "gone.tflite")
    with pytest.raises(InputError, match=r"The label file is missing: .*gone\.txt"):
        variables_of(folder / "detect_mine.tflite", folder / "gone.txt")


def test_an_ir_without_its_weights_is_refused_and_one_with_them_is_taken(folder: Path) -> None:
    ir = folder / "openvino_model_int8.xml"
    ir.write_text("<net/>")
    with pytest.raises(CkssdError, match="weights are missing"):
        from_environment(named(ir))
    ir.with_suffix(".bin").write_bytes(b"")
    (folder / "openvino_model.xml").write_text("<net/>")
    assert from_environment(named(ir)).file == ir
