"""Read from a graph: which output the class predictions are, and whether they are scores."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ckssd.tflite.activation import class_activation, class_output
from ckssd.tflite.flatbuffer import Table, replace_vector
from ckssd.tflite.model import (
    GRAPH_OUTPUTS,
    MODEL_SUBGRAPHS,
    TensorInfo,
    TFLiteModel,
    cut_model,
    read_model,
)
from tests.detect.tiny_model import tiny_model, tiny_model_without_nms


def read(path: Path, data: bytes) -> TFLiteModel:
    path.write_bytes(data)
    return read_model(path)


def swapped(data: bytes) -> bytes:
    """The same graph with its two outputs in the other order."""
    changed = bytearray(data)
    graph = Table.root(changed).tables(MODEL_SUBGRAPHS)[0]
    first, second = graph.integers(GRAPH_OUTPUTS)
    replace_vector(changed, graph, GRAPH_OUTPUTS, struct.pack("<2i", second, first), 2)
    return bytes(changed)


@pytest.mark.parametrize("logits", [False, True])
def test_the_activation_is_found_with_the_operator_and_without(tmp_path: Path, logits: bool) -> None:
    model = read(tmp_path / "m.tflite", tiny_model(logits=logits))
    raw = read(tmp_path / "raw.tflite", cut_model(model).convolutions)
    other = read(tmp_path / "swapped.tflite", swapped(raw.data))
    expected = None if logits else "sigmoid"
    assert [class_activation(each) for each in (model, raw, other)] == [expected] * 3
    assert [class_output(each) for each in (raw, other)] == [1, 0]


def test_the_converters_graphs_say_what_they_do(shapes_tflite: Path) -> None:
    for name in ("detect_regular_nms", "detect_fast_nms", "detect_no_nms"):
        assert class_activation(read_model(shapes_tflite / f"{name}.tflite")) == "sigmoid"


def test_a_graph_without_class_predictions_has_none(tmp_path: Path) -> None:
    assert class_activation(read(tmp_path / "m.tflite", tiny_model_without_nms())) is None


def with_outputs(*outputs: tuple[str, tuple[int, ...]]) -> TFLiteModel:
    described = tuple(TensorInfo(name, shape, "float32") for name, shape in outputs)
    return TFLiteModel(Path("m.tflite"), b"", (), described, None, None)


@pytest.mark.parametrize(
    ("outputs", "index"),
    [
        ((("a", (1, 9, 4)), ("b", (1, 9, 7))), 1),
        ((("a", (1, 9, 7)), ("b", (1, 9, 4))), 0),
        ((("class_predictions", (1, 9, 4)), ("box_encodings", (1, 9, 4))), 0),
        ((("box_encodings", (1, 9, 4)), ("class_predictions", (1, 9, 4))), 1),
        ((("Identity", (1, 9, 4)), ("Identity_1", (1, 9, 4))), 1),
        ((("a", (1, 9, 4)), ("b", (1, 8, 7))), None),
        ((("a", (1, 9, 4)),), None),
        ((("a", (1, 9, 5)), ("b", (1, 9, 7))), None),
        ((("a", (9, 4)), ("b", (9, 7))), None),
    ],
)
def test_shapes_then_names_tell_the_class_predictions(
    outputs: tuple[tuple[str, tuple[int, ...]], ...], index: int | None
) -> None:
    assert class_output(with_outputs(*outputs)) == index
