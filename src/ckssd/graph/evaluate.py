"""Computes a node by NumPy as TensorFlow would, to the last bit.

Only operations that IEEE 754 rounds exactly are here (no exp, no rsqrt), and those that move values about:
what anchors and shapes are computed with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ckssd.errors import CkssdError
from ckssd.graph.attributes import DataType, Tensor, numpy_type
from ckssd.graph.node import Node

# Far more than the anchors of any SSD; what is larger is a weight, or a mistake.
MOST_VALUES = 2**22
FAULTS = (CkssdError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
_BINARY: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "FloorDiv": np.floor_divide,
    "Minimum": np.minimum,
    "Maximum": np.maximum,
}
_UNARY: dict[str, Callable[[Tensor], Any]] = {
    "Identity": lambda value: value,
    "StopGradient": lambda value: value,
    "Sqrt": np.sqrt,
    "Square": np.square,
    "Neg": np.negative,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "ZerosLike": np.zeros_like,
    "OnesLike": np.ones_like,
}


def evaluate(node: Node, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """Return a node's outputs for these inputs; None where it is no operation of this module.

    None, too, for inputs that the operation refuses, and for outputs of more than 4 million values.
    """
    operation = _OPERATIONS.get(node.op)
    if operation is None and node.op not in _BINARY and node.op not in _UNARY:
        return None
    try:
        with np.errstate(all="ignore"):
            if operation is not None:
                return [np.asarray(value) for value in operation(node, inputs)]
            return [np.asarray(_elementwise(node, inputs))]
    except FAULTS:
        return None


def _elementwise(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    if node.op in _UNARY:
        (only,) = inputs
        return np.asarray(_UNARY[node.op](only))
    first, second = inputs
    if first.dtype != second.dtype:
        raise ValueError("TensorFlow converts no types by itself")
    checked(np.broadcast_shapes(first.shape, second.shape))
    return np.asarray(_BINARY[node.op](first, second))


def checked(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape; ValueError for one of more values than anything here has."""
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes) or math.prod(sizes) > MOST_VALUES:
        raise ValueError(f"a tensor of the shape {sizes}")
    return sizes


def whole(value: Tensor) -> list[int]:
    """Return the values of a tensor of whole numbers; ValueError for another one."""
    if value.dtype.kind not in "iu" or value.size > MOST_VALUES:
        raise ValueError("no whole numbers")
    return [int(each) for each in value.reshape(-1)]


def number(node: Node, name: str, default: int = 0) -> int:
    """Return an attribute that is a whole number."""
    value = node.attribute(name)
    if value is None:
        return default
    if not isinstance(value, int):
        raise ValueError(f"attribute {name} is no whole number")
    return value


def numbers(node: Node, *names: str) -> list[int]:
    """Return an attribute that is a list of whole numbers, under the first of the names that is there."""
    for name in names:
        value = node.attribute(name)
        if isinstance(value, list):
            return [int(each) for each in value]
    return []


def _type(node: Node, name: str, default: DataType) -> np.dtype[Any]:
    kind = node.attribute(name)
    return numpy_type(kind if isinstance(kind, DataType) else default)


def _cast(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    return [inputs[0].astype(_type(node, "DstT", DataType.FLOAT))]


def _range(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    # Of whole numbers only: TensorFlow adds real ones up, with other roundings than NumPy's.
    steps = range(*(whole(each.reshape(1))[0] for each in inputs))
    checked([len(steps)])
    return [np.array(steps, inputs[0].dtype)]


def _fill(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    return [np.full(checked(whole(inputs[0])), inputs[1].reshape(()), inputs[1].dtype)]


def _tile(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    value, times = inputs[0], whole(inputs[1])
    if len(times) != value.ndim:
        raise ValueError("one number for each dimension")
    checked([size * count for size, count in zip(value.shape, times)])
    return [np.tile(value, times)]


def _expand(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    return [np.expand_dims(inputs[0], whole(inputs[1])[0])]


def _squeeze(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    axes = tuple(numbers(node, "squeeze_dims", "axis"))
    return [np.squeeze(inputs[0], axes or None)]


def _reshape(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    return [inputs[0].reshape(whole(inputs[1]))]


def _concat(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    *parts, axis = inputs
    checked([sum(part.size for part in parts)])
    return [np.concatenate(parts, whole(axis)[0])]


def _pack(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    checked([sum(part.size for part in inputs)])
    return [np.stack(inputs, number(node, "axis"))]


def _unpack(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    axis = number(node, "axis")
    return [np.take(inputs[0], index, axis) for index in range(inputs[0].shape[axis])]


def _split(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    axis, value = inputs
    return np.split(value, number(node, "num_split", 1), whole(axis)[0])


def _slice(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    value, begins, sizes = inputs[0], whole(inputs[1]), whole(inputs[2])
    if len(begins) != value.ndim or len(sizes) != value.ndim or min([*begins, 0]) < 0:
        raise ValueError("one begin and size for each dimension")
    ends = [None if size == -1 else begin + size for begin, size in zip(begins, sizes)]
    return [value[tuple(slice(begin, end) for begin, end in zip(begins, ends))]]


def _strided_slice(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    if number(node, "ellipsis_mask") or number(node, "new_axis_mask"):
        raise ValueError("these masks are not known here")
    masks = [number(node, f"{name}_mask") for name in ("begin", "end", "shrink_axis")]
    parts: list[slice | int] = []
    for axis, (begin, end, step) in enumerate(zip(*(whole(each) for each in inputs[1:4]), strict=True)):
        no_begin, no_end, shrink = (bool(mask >> axis & 1) for mask in masks)
        if shrink:
            parts.append(begin)
        else:
            parts.append(slice(None if no_begin else begin, None if no_end else end, step))
    return [inputs[0][tuple(parts)]]


def _transpose(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    return [np.transpose(inputs[0], whole(inputs[1]))]


def _gather(_: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    value, indices = inputs[:2]
    axis = whole(inputs[2])[0] if len(inputs) > 2 else 0
    checked([*value.shape[:axis], *indices.shape, *value.shape[axis + 1 :]])
    return [np.take(value, np.array(whole(indices), np.int64).reshape(indices.shape), axis)]


def _shape(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    return [np.array(inputs[0].shape, _type(node, "out_type", DataType.INT32))]


def _product(node: Node, inputs: Sequence[Tensor]) -> list[Tensor]:
    axes = tuple(whole(inputs[1]))
    keep: Any = bool(node.attribute("keep_dims"))  # NumPy's types know literals only
    return [np.prod(inputs[0], axis=axes, keepdims=keep, dtype=inputs[0].dtype)]


_OPERATIONS: dict[str, Callable[[Node, Sequence[Tensor]], list[Tensor]]] = {
    "Cast": _cast,
    "Range": _range,
    "Fill": _fill,
    "Tile": _tile,
    "ExpandDims": _expand,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "ConcatV2": _concat,
    "Pack": _pack,
    "Unpack": _unpack,
    "Split": _split,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "Transpose": _transpose,
    "GatherV2": _gather,
    "Shape": _shape,
    "Prod": _product,
}
