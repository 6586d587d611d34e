"""Finds what a graph computes without its image, and writes it into the graph as constants.

A graph exported for images of any number and size asks its own tensors for their shapes. Once the input has
one shape, these questions have one answer.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ckssd.errors import CkssdError
from ckssd.graph import attributes
from ckssd.graph.attributes import Shape, Tensor
from ckssd.graph.evaluate import evaluate
from ckssd.graph.graph import INPUT_OPS, LOOP_BACK_OPS, Graph
from ckssd.graph.node import Node, Output, sources
from ckssd.graph.shapes import Dims, output_shape


@dataclass(frozen=True)
class Known:
    """What is known of a graph's tensors without running it.

    Attributes
    ----------
    values, shapes
        By tensor; a tensor with a value has its shape here, too.
    asked
        The tensors whose value follows from a tensor's shape.
    """

    values: dict[Output, Tensor] = field(default_factory=dict)
    shapes: dict[Output, Dims] = field(default_factory=dict)
    asked: set[Output] = field(default_factory=set)

    def add_value(self, tensor: Output, value: Tensor) -> None:
        """Note a value, and with it a shape."""
        self.values[tensor] = value
        self.shapes[tensor] = value.shape


def in_order(graph: Graph) -> Iterator[Node]:
    """Give the nodes, each after those that it reads or waits for, except around loops."""
    edges = {
        node.name: [name for name in sources(node) if graph.node(name).op not in LOOP_BACK_OPS]
        for node in graph
    }
    for name in graphlib.TopologicalSorter(edges).static_order():
        yield graph.node(name)


def explore(graph: Graph) -> Known:
    """Return what is known of the tensors of a graph that was checked."""
    known = Known()
    for node in in_order(graph):
        if node.op == "Const":
            _explore_constant(known, node)
        elif node.op in INPUT_OPS:
            shape = node.attribute("shape")
            if isinstance(shape, Shape) and shape.dims and min(shape.dims) >= 0:
                known.shapes[Output(node.name)] = shape.dims
        else:
            _explore_node(known, node)
    return known


def _explore_constant(known: Known, node: Node) -> None:
    try:
        value = node.constant()
    except CkssdError:
        return  # strings, for example: nothing is computed with them here
    if value is not None:
        known.add_value(Output(node.name), value)


def _explore_node(known: Known, node: Node) -> None:
    tensors = [tensor for tensor in node.inputs if tensor is not None]
    values = [known.values.get(tensor) for tensor in tensors]
    asked = not known.asked.isdisjoint(tensors)
    found = None
    if node.op == "Shape" and len(tensors) == 1 and values[0] is None and tensors[0] in known.shapes:
        # The values do not matter, and one that is not computed takes no memory.
        found = evaluate(node, [np.broadcast_to(np.float32(0), known.shapes[tensors[0]])])
        asked = True
    elif given := [value for value in values if value is not None]:
        found = evaluate(node, given) if len(given) == len(values) else None
    for port, value in enumerate(found or []):
        known.add_value(Output(node.name, port), value)
        if asked:
            known.asked.add(Output(node.name, port))
    if not found:
        shape = output_shape(node, [known.shapes.get(tensor) for tensor in tensors], values)
        if shape is not None:
            known.shapes[Output(node.name)] = shape


def fold_shapes(graph: Graph, known: Known) -> list[str]:
    """Write what follows from shapes into the graph, as constants; return the names of those nodes.

    Nothing else is folded: weights and what is computed with them stay as they are.
    """
    folded = []
    for node in list(graph):
        tensor = Output(node.name)
        readers = [reader for reader in graph.reader_names(node.name) if Output(reader) not in known.asked]
        if readers and tensor in known.asked and Output(node.name, 1) not in known.asked:
            become_constant(node, known.values[tensor])
            folded.append(node.name)
    return folded


def become_constant(node: Node, value: Tensor) -> None:
    """Let a node be a constant with this value."""
    node.op, node.inputs, node.controls, node.raw = "Const", [], [], None
    node.raw_attributes = {}
    node.set_attribute("dtype", attributes.element_type(value))
    node.set_attribute("value", value)
