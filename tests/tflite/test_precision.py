"""A model's precision is that of its layers, whatever its input is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import InputError
from ckssd.tflite.flatbuffer import NewTable, Scalar, Vector, write
from ckssd.tflite.model import read_model
from ckssd.tflite.precision import precision_of
from tests.detect.tiny_model import tiny_model, tiny_model_without_nms

FLOAT32, FLOAT16, UINT8, INT16, INT8 = 0, 1, 3, 7, 9
CONV_2D, DEPTHWISE, DEQUANTIZE, FULLY_CONNECTED, QUANTIZE = 3, 4, 6, 9, 114
CODES = (CONV_2D, DEPTHWISE, DEQUANTIZE, FULLY_CONNECTED, QUANTIZE)


def network(path: Path, types: list[int], *operators: tuple[int, tuple[int, ...], int]) -> Path:
    """A graph of tensors of these types (the first is its input) and operators (code, inputs, output)."""
    tensors: list[NewTable] = [
        {0: Vector("i", (1, 8, 8, 3)), 1: Scalar("b", kind), 2: Scalar("I", 0), 3: f"tensor {index}"}
        for index, kind in enumerate(types)
    ]
    made: list[NewTable] = [
        {0: Scalar("I", CODES.index(code)), 1: Vector("i", inputs), 2: Vector("i", (output,))}
        for code, inputs, output in operators
    ]
    graph: NewTable = {0: tensors, 1: Vector("i", (0,)), 2: Vector("i", (len(types) - 1,)), 3: made}
    codes: list[NewTable] = [{0: Scalar("b", code), 3: Scalar("i", code)} for code in CODES]
    path.write_bytes(write({0: Scalar("I", 3), 1: codes, 2: [graph], 4: [{}]}, b"TFL3"))
    return path


@pytest.mark.parametrize(
    ("types", "operators", "precision"),
    [
        ([FLOAT32, FLOAT32, FLOAT32], [(CONV_2D, (0, 1), 2)], "float32"),
        ([UINT8, UINT8, UINT8], [(DEPTHWISE, (0, 1), 2)], "uint8"),
        ([UINT8, INT8, INT8, INT8], [(QUANTIZE, (0,), 1), (CONV_2D, (1, 2), 3)], "int8"),
        ([FLOAT32, INT8, INT8, INT8], [(QUANTIZE, (0,), 1), (FULLY_CONNECTED, (1, 2), 3)], "int8"),
        ([FLOAT32, INT8, FLOAT32], [(CONV_2D, (0, 1), 2)], "int8 weights"),
        (
            [FLOAT32, FLOAT16, FLOAT32, FLOAT32],
            [(DEQUANTIZE, (1,), 2), (CONV_2D, (0, 2), 3)],
            "float16 weights",
        ),
        ([INT16, INT8, INT16], [(CONV_2D, (0, 1), 2)], "int16 with int8 weights"),
        (
            [INT8, INT8, INT8, FLOAT32, FLOAT32, FLOAT32],
            [(CONV_2D, (0, 1), 2), (DEQUANTIZE, (2,), 3), (FULLY_CONNECTED, (3, 4), 5)],
            "int8 and float32",
        ),
        ([UINT8, FLOAT32], [(DEQUANTIZE, (0,), 1)], "uint8"),
    ],
)
def test_the_layers_decide(
    tmp_path: Path, types: list[int], operators: list[tuple[int, tuple[int, ...], int]], precision: str
) -> None:
    assert precision_of(read_model(network(tmp_path / "x.tflite", types, *operators))) == precision


def test_a_detection_model_of_floats(tmp_path: Path) -> None:
    for data in (tiny_model(), tiny_model_without_nms()):
        path = tmp_path / "x.tflite"
        path.write_bytes(data)
        assert precision_of(read_model(path)) == "float32"


def test_a_layer_without_weights_is_an_error(tmp_path: Path) -> None:
    model = read_model(network(tmp_path / "x.tflite", [FLOAT32, FLOAT32], (CONV_2D, (0,), 1)))
    with pytest.raises(InputError, match=r"^The file is no TFLite model: .*x\.tflite"):
        precision_of(model)


def test_a_graph_with_neither_layers_nor_inputs_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    graph: NewTable = {0: [], 1: Vector("i", ()), 2: Vector("i", ()), 3: []}
    path.write_bytes(write({0: Scalar("I", 3), 1: [], 2: [graph], 4: [{}]}, b"TFL3"))
    with pytest.raises(InputError, match=r"^The file is no TFLite model: .*x\.tflite"):
        precision_of(read_model(path))
