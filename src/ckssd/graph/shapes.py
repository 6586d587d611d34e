"""Tells the shape of a node's output from those of its inputs, for the operations of SSD networks.

None stands for what is not known here: it is no error, the graph just stays as it was at that place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ckssd.graph.attributes import Tensor
from ckssd.graph.evaluate import FAULTS, number, numbers, whole
from ckssd.graph.node import Node

Dims = tuple[int, ...]
_LIKE_THE_FIRST = (
    *(
        "Identity",
        "StopGradient",
        "Cast",
        "BiasAdd",
        "FusedBatchNorm",
        "FusedBatchNormV2",
        "FusedBatchNormV3",
    ),
    *("Relu", "Relu6", "Elu", "LeakyRelu", "Selu", "Sigmoid", "Tanh", "Softmax", "Softplus", "Exp", "Neg"),
    *("Sqrt", "Rsqrt", "Square", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs"),
    "FakeQuantWithMinMaxVarsPerChannel",
)
_BROADCAST = ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference")


def output_shape(node: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    """Return the shape of a node's first output, or None.

    Parameters
    ----------
    shapes, values
        Of the node's inputs, as far as they are known.
    """
    try:
        if node.op in _LIKE_THE_FIRST:
            return shapes[0]
        if node.op in _BROADCAST:
            first, second = shapes
            return None if first is None or second is None else tuple(np.broadcast_shapes(first, second))
        rule = _RULES.get(node.op)
        found = None if rule is None else rule(node, shapes, values)
        return found if found is None or min([*found, 0]) >= 0 else None
    except FAULTS:
        return None


def _convolution(node: Node, shapes: Sequence[Dims | None], _: Sequence[Tensor | None]) -> Dims | None:
    image, kernel = shapes
    if image is None or kernel is None:
        return None
    batch, *size, _channels = image
    rates = numbers(node, "dilations") or [1, 1, 1, 1]
    height, width = _windows(node, size, [(kernel[0] - 1) * rates[1] + 1, (kernel[1] - 1) * rates[2] + 1])
    depth = kernel[2] * kernel[3] if node.op.startswith("Depthwise") else kernel[3]
    return batch, height, width, depth


def _pooling(node: Node, shapes: Sequence[Dims | None], _: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None:
        return None
    batch, *size, channels = shapes[0]
    height, width = _windows(node, size, numbers(node, "ksize")[1:3])
    return batch, height, width, channels


def _windows(node: Node, size: Sequence[int], window: Sequence[int]) -> list[int]:
    """How many windows fit; TensorFlow's rule for SAME and VALID."""
    layout, padding = node.attribute("data_format"), node.attribute("padding")
    strides = numbers(node, "strides")[1:3]
    if layout not in (None, b"NHWC") or padding not in (b"SAME", b"VALID"):
        raise ValueError("another layout or padding")
    lost = [0, 0] if padding == b"SAME" else [each - 1 for each in window]
    return [math.ceil((length - less) / step) for length, less, step in zip(size, lost, strides, strict=True)]


def _padded(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None:
        return None
    return tuple(size + sum(whole(row)) for size, row in zip(shapes[0], values[1], strict=True))


def _reshaped(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None:
        return None
    target, total = whole(values[1]), math.prod(shapes[0])
    if -1 in target:
        known = -math.prod(target)
        target[target.index(-1)] = total // known
    return tuple(target) if math.prod(target) == total else None


def _squeezed(node: Node, shapes: Sequence[Dims | None], _: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None:
        return None
    rank = len(shapes[0])
    axes = [axis % rank for axis in numbers(node, "squeeze_dims", "axis")]
    axes = axes or [axis for axis, size in enumerate(shapes[0]) if size == 1]
    return tuple(size for axis, size in enumerate(shapes[0]) if axis not in axes)


def _expanded(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None:
        return None
    axis = whole(values[1])[0] % (len(shapes[0]) + 1)
    return (*shapes[0][:axis], 1, *shapes[0][axis:])


def _concatenated(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    parts, axes = [shape for shape in shapes[:-1] if shape is not None], values[-1]
    if len(parts) != len(shapes) - 1 or axes is None:
        return None
    axis = whole(axes)[0] % len(parts[0])
    return (*parts[0][:axis], sum(part[axis] for part in parts), *parts[0][axis + 1 :])


def _packed(node: Node, shapes: Sequence[Dims | None], _: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None:
        return None
    axis = number(node, "axis") % (len(shapes[0]) + 1)
    return (*shapes[0][:axis], len(shapes), *shapes[0][axis:])


def _transposed(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None:
        return None
    return tuple(shapes[0][axis] for axis in whole(values[1]))


def _sliced(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None or values[2] is None:
        return None
    parts = zip(shapes[0], whole(values[1]), whole(values[2]), strict=True)
    return tuple(size - begin if length == -1 else length for size, begin, length in parts)


def _resized(_: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None:
        return None
    height, width = whole(values[1])
    return shapes[0][0], height, width, shapes[0][3]


def _reduced(node: Node, shapes: Sequence[Dims | None], values: Sequence[Tensor | None]) -> Dims | None:
    if shapes[0] is None or values[1] is None:
        return None
    axes = {axis % len(shapes[0]) for axis in whole(values[1])}
    keep = bool(node.attribute("keep_dims"))
    return tuple(
        1 if axis in axes else size for axis, size in enumerate(shapes[0]) if keep or axis not in axes
    )


_Rule = Callable[[Node, Sequence[Dims | None], Sequence[Tensor | None]], Dims | None]
_RULES: dict[str, _Rule] = {
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "MaxPool": _pooling,
    "AvgPool": _pooling,
    "Pad": _padded,
    "PadV2": _padded,
    "MirrorPad": _padded,
    "Reshape": _reshaped,
    "Squeeze": _squeezed,
    "ExpandDims": _expanded,
    "ConcatV2": _concatenated,
    "Pack": _packed,
    "Slice": _sliced,
    "Transpose": _transposed,
    "ResizeNearestNeighbor": _resized,
    "ResizeBilinear": _resized,
    "Mean": _reduced,
    "Max": _reduced,
    "Sum": _reduced,
}
