"""A TFLite detection model as a file: what it is, and cut in two before its postprocessing operator.

Regular NMS in an interpreter with several threads silently loses a class (tensorflow/tensorflow#56058): the
convolutions and the operator have to run in two interpreters. This module makes the two models of one file.
Slot numbers are those of tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError
from ckssd.tflite.flatbuffer import (
    Malformed,
    NewTable,
    Scalar,
    Table,
    Vector,
    remove_table,
    replace_vector,
    write,
)
from ckssd.tflite.options import PostProcessOptions, read_options, write_options
from ckssd.tflite.signatures import MODEL_SIGNATURES, MODEL_SUBGRAPHS, only_graph

IDENTIFIER = b"TFL3"
POSTPROCESS = "TFLite_Detection_PostProcess"
CUSTOM_CODE = 32  # BuiltinOperator.CUSTOM
TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}

MODEL_CODES, MODEL_BUFFERS = 1, 4
GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_OPERATORS = 0, 1, 2, 3
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION = 0, 1, 2, 3, 4
OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS = 0, 1, 2, 5
QUANTIZATION_SCALE, QUANTIZATION_ZERO = 2, 3


@dataclass(frozen=True)
class TensorInfo:
    """Name, shape and element type of one of a model's tensors."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class TFLiteModel:
    """A TFLite file that has been read.

    ``options`` and ``anchor_count`` are None for a model without TFLite_Detection_PostProcess.
    """

    path: Path
    data: bytes
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    options: PostProcessOptions | None
    anchor_count: int | None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def sha256(self) -> str:
        """Hash of the file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class CutModel:
    """The two halves of a detection model, each a TFLite file of its own.

    ``convolutions``: image in, box encodings [1, P, 4] and class predictions [1, P, C] out, in this order.
    ``postprocess``: these two in, the operator's four outputs out (boxes, classes, scores, count).
    """

    convolutions: bytes
    postprocess: bytes


def read_model(path: Path, signature: str | None = None) -> TFLiteModel:
    """Read a TFLite file; of several graphs in it the one that a signature names.

    Parameters
    ----------
    signature
        The name of a signature; None: the first, or the first graph where there are none.

    Returns
    -------
    TFLiteModel
        Its ``data`` hold the one graph.

    Raises
    ------
    InputError
        If the file is missing or is no TFLite model.
    UsageError
        It has no signature of this name.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("The model cannot be read", where=path, got=error.strerror) from error
    try:
        if data[4:8] != IDENTIFIER:
            raise Malformed(f"it begins with {data[:8]!r}")
        return _describe(path, only_graph(path, data, signature))
    except (Malformed, UnicodeDecodeError) as error:
        raise InputError("The file is no TFLite model", where=path, got=str(error)) from error


def detection_options(model: TFLiteModel) -> PostProcessOptions:
    """The options of the model's postprocessing operator.

    Raises
    ------
    InputError
        If the model has no such operator, and so not the outputs that detections are read from.
    """
    if model.options is None:
        raise InputError(
            "The model has not the expected outputs",
            where=model.path,
            expected=f"the four of {POSTPROCESS}",
            got=", ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in model.outputs) or "none",
            advice="take a graph converted with the postprocessing operator",
        )
    return model.options


def with_options(model: TFLiteModel, options: PostProcessOptions) -> TFLiteModel:
    """The same model with other options in its postprocessing operator.

    Raises
    ------
    InputError
        If it has no such operator, or its options cannot be replaced.
    """
    detection_options(model)
    data = bytearray(model.data)
    try:
        operator = _postprocess_operator(data)[1]
        written = write_options(options, operator.blob(OPERATOR_OPTIONS), str(model.path))
        replace_vector(data, operator, OPERATOR_OPTIONS, written, len(written))
        return _describe(model.path, bytes(data))
    except (Malformed, UnicodeDecodeError) as error:
        raise InputError("The file is no TFLite model", where=model.path, got=str(error)) from error


def cut_model(model: TFLiteModel) -> CutModel:
    """Cut a detection model before TFLite_Detection_PostProcess.

    Raises
    ------
    InputError
        If it has no such operator, or one that is not the model's last.
    """
    detection_options(model)
    try:
        return CutModel(_convolutions(model), _postprocess(model))
    except (Malformed, UnicodeDecodeError) as error:
        raise InputError("The model cannot be cut in two", where=model.path, got=str(error)) from error


def _convolutions(model: TFLiteModel) -> bytes:
    """The file without its last operator; box encodings and class predictions become the outputs."""
    data = bytearray(model.data)
    graph = _only_graph(data)
    index, operator = _postprocess_operator(data)
    outputs = operator.integers(OPERATOR_INPUTS)[:2]
    remove_table(data, graph, GRAPH_OPERATORS, index)
    replace_vector(data, graph, GRAPH_OUTPUTS, struct.pack("<2i", *outputs), 2)
    root = Table.root(data)
    while root.vector(MODEL_SIGNATURES)[1]:  # they name outputs that are gone
        remove_table(data, root, MODEL_SIGNATURES, 0)
    return bytes(data)


def _postprocess(model: TFLiteModel) -> bytes:
    """A new file holding just the operator and its anchors."""
    root = Table.root(model.data)
    graph = _only_graph(model.data)
    operator = _postprocess_operator(model.data)[1]
    buffers, tensors = root.tables(MODEL_BUFFERS), graph.tables(GRAPH_TENSORS)
    sources = [*operator.integers(OPERATOR_INPUTS), *operator.integers(OPERATOR_OUTPUTS)]
    anchors = _at(buffers, _at(tensors, sources[2]).number(TENSOR_BUFFER, "I")).blob(0)
    new_tensors = [
        _copy_tensor(_at(tensors, source), 1 if place == 2 else 0) for place, source in enumerate(sources)
    ]
    new_operator: NewTable = {
        OPERATOR_CODE: Scalar("I", 0),
        OPERATOR_INPUTS: Vector("i", (0, 1, 2)),
        OPERATOR_OUTPUTS: Vector("i", (3, 4, 5, 6)),
        OPERATOR_OPTIONS: operator.blob(OPERATOR_OPTIONS),
    }
    new_graph: NewTable = {
        GRAPH_TENSORS: new_tensors,
        GRAPH_INPUTS: Vector("i", (0, 1)),
        GRAPH_OUTPUTS: Vector("i", (3, 4, 5, 6)),
        GRAPH_OPERATORS: [new_operator],
    }
    code: NewTable = {
        0: Scalar("b", CUSTOM_CODE),
        1: POSTPROCESS,
        2: Scalar("i", 1),
        3: Scalar("i", CUSTOM_CODE),
    }
    return write(
        {
            0: Scalar("I", 3),  # the schema's version
            MODEL_CODES: [code],
            MODEL_SUBGRAPHS: [new_graph],
            MODEL_BUFFERS: [{}, {0: anchors}],  # buffer 0 is empty by convention
        },
        IDENTIFIER,
    )


def _copy_tensor(tensor: Table, buffer: int) -> NewTable:
    new: NewTable = {
        TENSOR_SHAPE: Vector("i", tensor.integers(TENSOR_SHAPE)),
        TENSOR_TYPE: Scalar("b", tensor.number(TENSOR_TYPE, "b")),
        TENSOR_BUFFER: Scalar("I", buffer),
        TENSOR_NAME: tensor.text(TENSOR_NAME),
    }
    quantization = tensor.table(TENSOR_QUANTIZATION)
    if quantization is not None and quantization.vector(QUANTIZATION_SCALE)[1]:
        new[TENSOR_QUANTIZATION] = {
            QUANTIZATION_SCALE: Vector("f", quantization.numbers(QUANTIZATION_SCALE, "f")),
            QUANTIZATION_ZERO: Vector("q", quantization.numbers(QUANTIZATION_ZERO, "q")),
        }
    return new


def _describe(path: Path, data: bytes) -> TFLiteModel:
    graph = _only_graph(data)
    tensors = graph.tables(GRAPH_TENSORS)
    options, anchor_count = None, None
    if _uses_postprocess(data):
        operator = _postprocess_operator(data)[1]
        options = read_options(operator.blob(OPERATOR_OPTIONS), str(path))
        anchor_count = _anchor_count(tensors, operator)
    return TFLiteModel(
        path=path,
        data=data,
        inputs=tuple(_tensor_info(_at(tensors, index)) for index in graph.integers(GRAPH_INPUTS)),
        outputs=tuple(_tensor_info(_at(tensors, index)) for index in graph.integers(GRAPH_OUTPUTS)),
        options=options,
        anchor_count=anchor_count,
    )


def _anchor_count(tensors: list[Table], operator: Table) -> int:
    inputs, outputs = operator.integers(OPERATOR_INPUTS), operator.integers(OPERATOR_OUTPUTS)
    if len(inputs) != 3 or len(outputs) != 4:
        raise Malformed(
            f"{POSTPROCESS} has {len(inputs)} inputs and {len(outputs)} outputs instead of 3 and 4"
        )
    shape = _at(tensors, inputs[2]).integers(TENSOR_SHAPE)
    return math.prod(shape) // 4


def _tensor_info(tensor: Table) -> TensorInfo:
    kind = tensor.number(TENSOR_TYPE, "b")
    return TensorInfo(
        name=tensor.text(TENSOR_NAME),
        shape=tensor.integers(TENSOR_SHAPE),
        dtype=TYPES.get(kind, f"type {kind}"),
    )


def _only_graph(data: bytes | bytearray) -> Table:
    graphs = Table.root(data).tables(MODEL_SUBGRAPHS)
    if len(graphs) != 1:
        raise Malformed(f"{len(graphs)} graphs instead of one")
    return graphs[0]


def _custom_codes(data: bytes | bytearray) -> list[str]:
    """The custom operator's name of each operator code; empty for a built-in one."""
    return [code.text(1) for code in Table.root(data).tables(MODEL_CODES)]


def _uses_postprocess(data: bytes | bytearray) -> bool:
    """Whether an operator of the graph is it: a model that was cut still lists its code."""
    codes, operators = _custom_codes(data), _only_graph(data).tables(GRAPH_OPERATORS)
    used = {operator.number(OPERATOR_CODE, "I") for operator in operators}
    return any(name == POSTPROCESS for index, name in enumerate(codes) if index in used)


def _postprocess_operator(data: bytes | bytearray) -> tuple[int, Table]:
    """Index and table of the postprocessing operator of a model that has one."""
    codes, operators = _custom_codes(data), _only_graph(data).tables(GRAPH_OPERATORS)
    if not operators or not 0 <= (code := operators[-1].number(OPERATOR_CODE, "I")) < len(codes):
        raise Malformed("it has no last operator")
    if codes[code] != POSTPROCESS:
        raise Malformed(f"{POSTPROCESS} is not the last operator")
    return len(operators) - 1, operators[-1]


def _at(tables: list[Table], index: int) -> Table:
    if not 0 <= index < len(tables):
        raise Malformed(f"tensor or buffer {index} of {len(tables)}")
    return tables[index]
