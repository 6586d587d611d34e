"""Constant parts computed by NumPy, shapes of networks, and what is folded of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.evaluate import evaluate
from ckssd.graph.folding import explore, fold_shapes
from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output
from ckssd.graph.shapes import output_shape


def node(op: str, **attributes: Any) -> Node:
    made = Node("node", op)
    for name, value in attributes.items():
        made.set_attribute(name, value)
    return made


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


ROW = np.arange(6, dtype=np.float32).reshape(2, 3)
RESULTS: dict[str, tuple[Node, list[np.ndarray], Any]] = {
    "a quotient": (node("RealDiv"), [np.float32([1.0]), np.float32([3.0])], np.float32([1 / 3])),
    "a conversion cuts off": (node("Cast", DstT=DataType.INT32), [np.float32([-1.7, 1.7])], ints(-1, 1)),
    "a range": (node("Range"), [ints(2), ints(9), ints(3)], ints(2, 5, 8)),
    "a slice to the end": (node("Slice"), [ROW, ints(0, 1), ints(-1, -1)], ROW[:, 1:]),
    "a strided slice": (
        node("StridedSlice", shrink_axis_mask=1, end_mask=2),
        [ROW, ints(1, 1), ints(2, 0), ints(1, 1)],
        ROW[1, 1:],
    ),
    "a tile": (node("Tile"), [ROW, ints(1, 2)], np.tile(ROW, (1, 2))),
    "a stack": (node("Pack", axis=1), [ints(1, 2), ints(3, 4)], [[1, 3], [2, 4]]),
    "a concatenation": (node("ConcatV2"), [ROW, ROW, np.int32(0)], np.concatenate([ROW, ROW])),
    "a shape": (node("Shape"), [ROW], ints(2, 3)),
    "a split": (node("Split", num_split=3), [np.int32(1), ROW], ROW[:, :1]),
}


@pytest.mark.parametrize("case", RESULTS)
def test_an_operation_gives(case: str) -> None:
    made, inputs, expected = RESULTS[case]
    found = evaluate(made, inputs)
    assert found is not None
    np.testing.assert_array_equal(found[0], expected)
    if isinstance(expected, np.ndarray):
        assert found[0].dtype == expected.dtype


UNKNOWN = {
    "an operation that is not rounded exactly": (node("Exp"), [ROW]),
    "mixed types": (node("Add"), [ROW, ints(1)]),
    "a size that no memory holds": (node("Fill"), [ints(2**30, 2**30), np.float32(1)]),
    "a product of broadcast sizes": (node("Mul"), [np.ones((5000, 1)), np.ones((1, 5000))]),
    "an endless range": (node("Range"), [ints(0), ints(5), ints(0)]),
    "masks that are not known": (node("StridedSlice", new_axis_mask=1), [ROW, ints(0), ints(1), ints(1)]),
    "too few inputs": (node("Reshape"), [ROW]),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_nothing_is_said_of(case: str) -> None:
    made, inputs = UNKNOWN[case]
    assert evaluate(made, inputs) is None


def convolution(op: str = "Conv2D", padding: str = "SAME", stride: int = 2) -> Node:
    return node(op, strides=[1, stride, stride, 1], padding=padding)


SHAPES: dict[str, tuple[Node, list[Any], list[Any], Any]] = {
    "SAME": (convolution(), [(1, 300, 299, 3), (3, 3, 3, 32)], [None, None], (1, 150, 150, 32)),
    "VALID": (convolution(padding="VALID"), [(1, 10, 9, 3), (3, 3, 3, 8)], [None, None], (1, 4, 4, 8)),
    "depthwise": (
        convolution("DepthwiseConv2dNative", stride=1),
        [(1, 5, 5, 8), (3, 3, 8, 2)],
        [None, None],
        (1, 5, 5, 16),
    ),
    "a reshape": (node("Reshape"), [(1, 4, 4, 12), (3,)], [None, ints(1, -1, 4)], (1, 48, 4)),
    "a reshape that does not fit": (node("Reshape"), [(1, 4), (2,)], [None, ints(3, -1)], None),
    "a reshape to nothing": (node("Reshape"), [(1, 4), (2,)], [None, ints(0, -1)], None),
    "a squeeze": (node("Squeeze", squeeze_dims=[2]), [(1, 5, 1, 4)], [None], (1, 5, 4)),
    "a sum": (node("AddV2"), [(1, 4, 4, 8), (8,)], [None, None], (1, 4, 4, 8)),
    "an unknown operation": (node("SpaceToBatchND"), [(1, 4, 4, 8)], [None], None),
    "of what is not known": (convolution(), [None, (3, 3, 3, 32)], [None, None], None),
}


@pytest.mark.parametrize("case", SHAPES)
def test_the_shape_of(case: str) -> None:
    made, shapes, values, expected = SHAPES[case]
    assert output_shape(made, shapes, values) == expected


def test_what_follows_from_a_shape_becomes_a_constant_and_nothing_else() -> None:
    graph = Graph([])
    image = graph.add("Placeholder", "image", (), {"dtype": DataType.FLOAT, "shape": Shape((1, 4, 4, 3))})
    weights = graph.add_constant("weights", np.ones((2, 2), np.float32))
    doubled = graph.add("Add", "doubled", [weights, weights])
    shape = graph.add("Shape", "shape", [image], {"out_type": DataType.INT32})
    bounds = [graph.add_constant(f"bound_{index}", ints(value)) for index, value in enumerate((0, 1, 1))]
    batch = graph.add("StridedSlice", "batch", [shape, *bounds], {"shrink_axis_mask": 1})
    rest = graph.add_constant("rest", np.array(-1, np.int32))
    target = graph.add("Pack", "target", [batch, rest], {"axis": 0})
    graph.add("Reshape", "flat", [image, target])
    known = explore(graph)
    assert known.shapes[Output("flat")] == (1, 48)
    assert fold_shapes(graph, known) == ["target"]
    value = graph.node("target").constant()
    assert value is not None
    assert value.tolist() == [1, -1]
    assert graph.node(doubled.name).op == "Add"
