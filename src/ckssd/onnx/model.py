"""An ONNX detection model as a file: its inputs and outputs, operators, and the kind of graph that it is.

Two kinds are run. ``regular``: a frozen graph of the Object Detection API as a whole, NMS included, with the
outputs ``detection_boxes``, ``detection_classes``, ``detection_scores`` and ``num_detections``. ``none``: a
graph that ends in box encodings and class predictions, without NMS.
Field numbers are those of onnx/onnx.proto3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ckssd.errors import InputError
from ckssd.graph import wire
from ckssd.tflite.activation import class_output
from ckssd.tflite.model import TensorInfo

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_OP, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS = 5, 6, 11
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_ELEMENT, TENSOR_SHAPE, SHAPE_DIM, DIM_VALUE = 1, 2, 1, 1, 2, 1, 1
CONSTANT_TYPE, CONSTANT_NAME, CONSTANT_RAW = 2, 8, 9
OPEN = -1  # a dimension that the file leaves open
TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
# Element types of single numbers that are read, as struct writes them.
FORMATS = {"float32": "<f", "int64": "<q", "int32": "<i"}
LARGEST_NUMBER = 8  # bytes
DETECTION_OUTPUTS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")


@dataclass(frozen=True)
class Operator:
    """One node: its operator, and the names of the tensors that it reads and makes."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX file that has been read.

    A dimension that is open in ``inputs`` and ``outputs`` is OPEN; all are, where a shape is not stated.
    ``operators``: of the graph and of the graphs inside it (bodies of loops, branches), in the file's order.
    ``weights``: name of each constant tensor to its element type. ``numbers``: name of each constant of one
    element to its value.
    """

    path: Path
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: tuple[Operator, ...]
    weights: dict[str, str]
    numbers: dict[str, float]

    def for_one_image(self) -> OnnxModel:
        """The same with a first dimension of 1 where it is open: images are fed one at a time."""
        inputs, outputs = (tuple(map(_of_one, tensors)) for tensors in (self.inputs, self.outputs))
        return replace(self, inputs=inputs, outputs=outputs)


def read_onnx(path: Path) -> OnnxModel:
    """Read an ONNX file.

    Raises
    ------
    InputError
        It is missing or is no ONNX model.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("The model cannot be read", where=path, got=error.strerror) from error
    try:
        graph = _one(data, MODEL_GRAPH)
        constants = tuple(_constants(graph))
        weights = {constant.name: constant.dtype for constant in constants}
        numbers = {constant.name: number for constant in constants if (number := constant.number) is not None}
        values = {number: tuple(_values(graph, number)) for number in (GRAPH_INPUT, GRAPH_OUTPUT)}
        # Old files list their weights among the inputs.
        inputs = tuple(value for value in values[GRAPH_INPUT] if value.name not in weights)
        operators = tuple(_operators(graph))
    except (wire.Malformed, UnicodeDecodeError, struct.error) as error:
        raise InputError("The file is no ONNX model", where=path, got=str(error)) from error
    return OnnxModel(path, inputs, values[GRAPH_OUTPUT], operators, weights, numbers)


def graph_nms(model: OnnxModel) -> str:
    """Which NMS a graph does itself: ``regular`` or ``none``.

    Raises
    ------
    InputError
        Its outputs are of neither kind.
    """
    if set(DETECTION_OUTPUTS) <= {plain_name(tensor.name) for tensor in model.outputs}:
        return "regular"
    if class_output(model) is not None:
        return "none"
    raise InputError(
        "The model has not the outputs of a detection model",
        where=model.path,
        expected=f"{', '.join(DETECTION_OUTPUTS)}; or box encodings [1, A, 4] and classes [1, A, C]",
        got=", ".join(f"{tensor.name} {_shown(tensor.shape)}" for tensor in model.outputs) or "none",
    )


def plain_name(tensor: str) -> str:
    """A tensor's name without the ``:0`` that TensorFlow puts behind it."""
    return tensor.removesuffix(":0")


def _shown(shape: tuple[int, ...]) -> str:
    return f"[{', '.join('?' if size == OPEN else str(size) for size in shape)}]"


def _of_one(tensor: TensorInfo) -> TensorInfo:
    return replace(tensor, shape=(1, *tensor.shape[1:])) if tensor.shape[:1] == (OPEN,) else tensor


def _one(data: wire.Buffer, number: int) -> memoryview:
    for field in wire.fields(data):
        if field.number == number:
            return field.message()
    raise wire.Malformed(f"it has no field {number}")


def _messages(data: memoryview, number: int) -> Iterator[memoryview]:
    return (field.message() for field in wire.fields(data) if field.number == number)


@dataclass(frozen=True)
class _Constant:
    name: str
    dtype: str
    number: float | None


def _constants(graph: memoryview) -> Iterator[_Constant]:
    """The initializers and Constant nodes of a graph and of those inside it."""
    for tensor in _messages(graph, GRAPH_INITIALIZER):
        yield _constant(tensor)
    for node in _messages(graph, GRAPH_NODE):
        outputs = [bytes(name).decode("utf-8") for name in _messages(node, NODE_OUTPUT)]
        for attribute in _messages(node, NODE_ATTRIBUTE):
            for inner in _inner_graphs(attribute):
                yield from _constants(inner)
            for tensor in _messages(attribute, ATTRIBUTE_TENSOR):
                yield replace(_constant(tensor), name="".join(outputs[:1]))


def _constant(tensor: memoryview) -> _Constant:
    """Its name, type and, of one element, its number; other elements are not looked at."""
    name, kind, raw = "", 0, b""
    for field in wire.fields(tensor):
        if field.number == CONSTANT_NAME:
            name = field.text()
        elif field.number == CONSTANT_TYPE:
            kind = field.integer()
        elif field.number == CONSTANT_RAW and len(field.message()) <= LARGEST_NUMBER:
            raw = bytes(field.message())
    form = FORMATS.get(_type(kind), "")
    number = float(struct.unpack(form, raw)[0]) if form and len(raw) == struct.calcsize(form) else None
    return _Constant(name, _type(kind), number)


def _inner_graphs(attribute: memoryview) -> Iterator[memoryview]:
    for number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
        yield from _messages(attribute, number)


def _values(graph: memoryview, number: int) -> Iterator[TensorInfo]:
    for field in wire.fields(graph):
        if field.number == number:
            yield _value(field.message())


def _value(value: memoryview) -> TensorInfo:
    tensor = _one(_one(value, VALUE_TYPE), TYPE_TENSOR)
    kind = 0
    shape: tuple[int, ...] = ()
    for field in wire.fields(tensor):
        if field.number == TENSOR_ELEMENT:
            kind = field.integer()
        elif field.number == TENSOR_SHAPE:
            shape = tuple(map(_dimension, _messages(field.message(), SHAPE_DIM)))
    return TensorInfo(bytes(_one(value, VALUE_NAME)).decode("utf-8"), shape, _type(kind))


def _dimension(data: memoryview) -> int:
    return next((field.integer() for field in wire.fields(data) if field.number == DIM_VALUE), OPEN)


def _operators(graph: memoryview) -> Iterator[Operator]:
    for node in _messages(graph, GRAPH_NODE):
        names: dict[int, list[str]] = {NODE_INPUT: [], NODE_OUTPUT: [], NODE_OP: []}
        inner: list[memoryview] = []
        for field in wire.fields(node):
            if field.number in names:
                names[field.number].append(field.text())
            elif field.number == NODE_ATTRIBUTE:
                inner += _inner_graphs(field.message())
        yield Operator("".join(names[NODE_OP]), tuple(names[NODE_INPUT]), tuple(names[NODE_OUTPUT]))
        for each in inner:
            yield from _operators(each)


def _type(number: int) -> str:
    return TYPES.get(number, f"type {number}")
