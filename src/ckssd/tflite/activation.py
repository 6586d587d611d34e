"""Which of a graph's tensors the class predictions are, and whether an activation made scores of them.

Read from the operators: the predictions are followed back, through operators that only move numbers, to the
one that made them. Numbers of operators are those of BuiltinOperator in tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ckssd.errors import InputError
from ckssd.tflite.flatbuffer import Malformed, Table
from ckssd.tflite.model import (
    GRAPH_OPERATORS,
    GRAPH_OUTPUTS,
    MODEL_CODES,
    OPERATOR_CODE,
    OPERATOR_INPUTS,
    OPERATOR_OUTPUTS,
    TensorInfo,
    TFLiteModel,
)
from ckssd.tflite.signatures import MODEL_SUBGRAPHS

Tensor = TypeVar("Tensor")
Maker = TypeVar("Maker")

ACTIVATIONS = {14: "sigmoid", 25: "softmax"}
CONCATENATION, DEQUANTIZE, RESHAPE, TRANSPOSE, SQUEEZE, STRIDED_SLICE = 2, 6, 22, 39, 43, 45
SPLIT, CAST, SLICE, EXPAND_DIMS, PACK, UNPACK, SPLIT_V, QUANTIZE = 49, 53, 65, 70, 83, 88, 102, 114
# They move or recode numbers, and their first input is what they move; the second operand of SPLIT is.
MOVING = (
    DEQUANTIZE,
    QUANTIZE,
    RESHAPE,
    TRANSPOSE,
    SQUEEZE,
    STRIDED_SLICE,
    CAST,
    SLICE,
    EXPAND_DIMS,
    UNPACK,
    SPLIT_V,
)
JOINING = (CONCATENATION, PACK)
CODE_BYTE, CODE_NUMBER = 0, 3
BOX_SIDES = 4


class HasOutputs(Protocol):
    """A model of any format."""

    @property
    def outputs(self) -> Sequence[TensorInfo]:
        """Its outputs, in its order."""


@dataclass(frozen=True)
class _Operator:
    code: int
    inputs: tuple[int, ...]


def class_activation(model: TFLiteModel) -> str | None:
    """The activation that the class predictions of a graph went through: ``sigmoid``, ``softmax`` or None.

    Of a graph with the postprocessing operator they are its second input, of one that ends in box encodings
    and class predictions the latter. None also where parts of them went through different ones.

    Raises
    ------
    InputError
        The operators cannot be read.
    """
    try:
        makers, last = _makers(model.data)
        tensor = last.inputs[1] if model.options is not None else _class_tensor(model)
    except (Malformed, IndexError) as error:
        raise InputError("The file is no TFLite model", where=model.path, got=str(error)) from error
    if tensor is None:
        return None
    return activation_before(tensor, makers, _moved, lambda maker: ACTIVATIONS.get(maker.code))


def class_output(model: HasOutputs) -> int | None:
    """Which of two outputs [1, A, 4] and [1, A, C], in any order, the class predictions are: 0 or 1.

    None if the outputs are not two such. Where C is 4, too, names tell; without any, the second is.
    """
    shapes = [tensor.shape for tensor in model.outputs]
    if [len(shape) for shape in shapes] != [3, 3] or shapes[0][:2] != shapes[1][:2]:
        return None
    boxes = [index for index, shape in enumerate(shapes) if shape[2] == BOX_SIDES]
    if len(boxes) == 1:
        return 1 - boxes[0]
    first = model.outputs[0].name.lower()
    return None if not boxes else int(not ("class" in first and "box" not in first))


def _class_tensor(model: TFLiteModel) -> int | None:
    index = class_output(model)
    if index is None:
        return None
    return Table.root(model.data).tables(MODEL_SUBGRAPHS)[0].integers(GRAPH_OUTPUTS)[index]


def _makers(data: bytes) -> tuple[dict[int, _Operator], _Operator]:
    """The operator that makes each tensor, and the last one."""
    root = Table.root(data)
    codes = [
        max(code.number(CODE_BYTE, "b"), code.number(CODE_NUMBER, "i")) for code in root.tables(MODEL_CODES)
    ]
    makers = {}
    operator = _Operator(0, ())
    for table in root.tables(MODEL_SUBGRAPHS)[0].tables(GRAPH_OPERATORS):
        operator = _Operator(codes[table.number(OPERATOR_CODE, "I")], table.integers(OPERATOR_INPUTS))
        makers.update(dict.fromkeys(table.integers(OPERATOR_OUTPUTS), operator))
    return makers, operator


def activation_before(
    tensor: Tensor,
    makers: Mapping[Tensor, Maker],
    moved: Callable[[Maker], Sequence[Tensor]],
    activation: Callable[[Maker], str | None],
) -> str | None:
    """Follow a tensor back through operators that only move numbers, to what computed them.

    Parameters
    ----------
    makers
        Each tensor to the operator that makes it; constants and inputs have none.
    moved
        The tensors whose numbers an operator only moves; none for one that computes.
    activation
        The activation that an operator is, or None.

    Returns
    -------
    str or None
        The activation that all of it went through; None also where parts went through different ones.
    """
    found: set[str | None] = set()
    waiting, seen = [tensor], set()
    while waiting:
        tensor = waiting.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        maker = makers.get(tensor)
        before = () if maker is None else moved(maker)
        waiting += before
        if not before:
            found.add(None if maker is None else activation(maker))
    return found.pop() if len(found) == 1 else None


def _moved(maker: _Operator) -> tuple[int, ...]:
    """The tensors whose numbers an operator only moves; none for one that computes."""
    if maker.code in JOINING:
        return maker.inputs
    if maker.code in MOVING:
        return maker.inputs[:1]
    return maker.inputs[1:2] if maker.code == SPLIT else ()
