"""Which arithmetic a TFLite model does: the types of what its layers multiply, and of their weights.

The type of a model's input says little: quantised models often take uint8 pixels and compute in int8, and a
model whose weights alone are int8 takes and computes float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import InputError
from ckssd.tflite.flatbuffer import Malformed, Table
from ckssd.tflite.model import (
    GRAPH_OPERATORS,
    GRAPH_TENSORS,
    MODEL_CODES,
    OPERATOR_CODE,
    OPERATOR_INPUTS,
    OPERATOR_OUTPUTS,
    TENSOR_NAME,
    TENSOR_TYPE,
    TYPES,
    TFLiteModel,
)
from ckssd.tflite.signatures import MODEL_SUBGRAPHS

# BuiltinOperator of schema.fbs. Layers: inputs are activations, then weights.
CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, DEQUANTIZE = 3, 4, 9, 6
LAYERS = (CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED)
CODE_BYTE, CODE_NUMBER = (
    0,
    3,
)  # small codes stand in the first, as older files have them; others in the second


def precision_of(model: TFLiteModel) -> str:
    """The model's precision: ``int8``, ``float32``, ``int8 weights`` (float32 otherwise), or several of them.

    Raises
    ------
    InputError
        The model's operators cannot be read.
    """
    try:
        kinds = dict.fromkeys(_layers(model.data))
        return " and ".join(_named(*kind) for kind in kinds) or model.inputs[0].dtype
    except (Malformed, IndexError) as error:
        raise InputError("The file is no TFLite model", where=model.path, got=str(error)) from error


def float_tensors(path: Path) -> list[str]:
    """Names of the tensors of a file that hold float32."""
    try:
        graph = Table.root(path.read_bytes()).tables(MODEL_SUBGRAPHS)[0]
        return [
            tensor.text(TENSOR_NAME)
            for tensor in graph.tables(GRAPH_TENSORS)
            if _type(tensor.number(TENSOR_TYPE, "b")) == "float32"
        ]
    except (Malformed, IndexError) as error:
        raise InputError("The file is no TFLite model", where=path, got=str(error)) from error


def _layers(data: bytes) -> Iterator[tuple[str, str]]:
    """Type of activations and of weights of each layer."""
    root = Table.root(data)
    graph = root.tables(MODEL_SUBGRAPHS)[0]
    codes = [
        max(code.number(CODE_BYTE, "b"), code.number(CODE_NUMBER, "i")) for code in root.tables(MODEL_CODES)
    ]
    types = [tensor.number(TENSOR_TYPE, "b") for tensor in graph.tables(GRAPH_TENSORS)]
    stored = {}  # tensor to the one that it is made of before the network runs
    for operator in graph.tables(GRAPH_OPERATORS):
        code, inputs = codes[operator.number(OPERATOR_CODE, "I")], operator.integers(OPERATOR_INPUTS)
        if code == DEQUANTIZE:
            stored[operator.integers(OPERATOR_OUTPUTS)[0]] = inputs[0]
        elif code in LAYERS:
            weights = stored.get(inputs[1], inputs[1])
            yield _type(types[inputs[0]]), _type(types[weights])


def _type(number: int) -> str:
    return TYPES.get(number, f"type {number}")


def _named(activations: str, weights: str) -> str:
    if activations == weights:
        return weights
    return f"{weights} weights" if activations == "float32" else f"{activations} with {weights} weights"
