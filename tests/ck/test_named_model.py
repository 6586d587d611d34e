"""A model that a person registers by its file: the variables name that file, whatever lies beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckssd.ck.soft import setup
from tests.support.sandbox import CHECKOUT

TFLITE, OPENVINO, TENSORFLOW = "model.tensorflow.py", "model.openvino", "model.tensorflow.object-detection"


def variables(soft: str, full_path: Path) -> dict[str, str]:
    """What CK's hook sets for a file or a folder, without the prefix; an error's text as ``error``."""
    meta = json.loads((CHECKOUT / "soft" / soft / ".cm" / "meta.json").read_text())
    prefix = meta["customize"]["env_prefix"]
    given: dict[str, Any] = {
        "customize": {"full_path": str(full_path), "env_prefix": prefix},
        "cfg": meta,
        "env": {},
    }
    answer = setup(given)
    if answer["return"]:
        return {"error": answer["error"]}
    return {name.removeprefix(f"{prefix}_"): value for name, value in given["env"].items()}


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_of_several_tflite_graphs_only_the_named_one_has_a_variable(tmp_path: Path) -> None:
    folder = files(tmp_path, "detect_mine.tflite", "detect_regular_nms.tflite", "detect_fast_nms.tflite")
    mine = variables(TFLITE, folder / "detect_mine.tflite")
    assert mine == {"TFLITE_GRAPH": str(folder / "detect_mine.tflite"), "ROOT": str(folder)}
    regular = folder / "detect_regular_nms.tflite"
    assert variables(TFLITE, regular) == {
        "TFLITE_GRAPH": str(regular),
        "TFLITE_GRAPH_REGULAR_NMS": str(regular),
        "ROOT": str(folder),
    }


def test_a_folder_has_its_usual_graphs_or_its_only_one(tmp_path: Path) -> None:
    folder = files(tmp_path, "mine.tflite")
    assert variables(TFLITE, folder)["TFLITE_GRAPH"] == str(folder / "mine.tflite")
    files(folder, "other.tflite")
    assert "several models" in variables(TFLITE, folder)["error"]
    files(folder, "detect_fast_nms.tflite")
    assert set(variables(TFLITE, folder)) == {"TFLITE_GRAPH_FAST_NMS", "ROOT"}


def test_an_ir_is_the_named_pair_of_files(tmp_path: Path) -> None:
    pairs = ("openvino_model.xml", "openvino_model.bin", "openvino_model_int8.xml")
    folder = files(tmp_path, *pairs)
    ir = folder / "openvino_model_int8.xml"
    assert "openvino_model_int8.bin" in variables(OPENVINO, ir)["error"]
    files(folder, "openvino_model_int8.bin")
    found = variables(OPENVINO, ir)
    assert (found["XML"], found["BIN"]) == (str(ir), str(ir.with_suffix(".bin")))
    assert variables(OPENVINO, folder)["XML"] == str(folder / "openvino_model.xml")


def test_a_frozen_graph_is_the_named_file(tmp_path: Path) -> None:
    folder = files(tmp_path, "frozen_inference_graph.pb", "mine.pb", "pipeline.config")
    found = variables(TENSORFLOW, folder / "mine.pb")
    assert found["FROZEN_GRAPH"] == found["TF_FROZEN_FILEPATH"] == str(folder / "mine.pb")
    usual = variables(TENSORFLOW, folder / "pipeline.config")
    assert usual["FROZEN_GRAPH"] == str(folder / "frozen_inference_graph.pb")


@pytest.mark.parametrize(("soft", "name"), [(TFLITE, "m.tflite"), (TENSORFLOW, "m.pb")])
def test_labels_are_found_by_the_rules_that_count_for_a_path(tmp_path: Path, soft: str, name: str) -> None:
    folder = files(tmp_path, name, "labelmap.pbtxt", "flatlabels.txt", "m.txt")
    found = variables(soft, folder / name)
    assert found["LABELMAP_FILE"] == str(folder / "m.txt")
    assert "CLASSES" not in found
