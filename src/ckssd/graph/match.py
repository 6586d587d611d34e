"""A matched part of a graph: its nodes, and its inputs and outputs in the configuration's order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ckssd.errors import InputError
from ckssd.graph.configuration import Replacement
from ckssd.graph.node import Node, Output

Port = tuple[Node, int]
MOST_NAMES = 8


@dataclass(frozen=True)
class SubgraphMatch:
    """A matched part of a graph.

    Attributes
    ----------
    custom_replacement_desc
        The replacement of the configuration that it was matched by, with its ``custom_attributes``.
    scope
        The name that the nodes' names begin with; empty for a match by points.
    nodes
        The part's nodes by name, in the graph's order.
    inputs
        For each input tensor of the part: the nodes that read it, with their input ports.
    outputs
        The nodes that give the part's outputs, with their output ports; None for one that the graph has
        not, because nobody reads it.
    """

    custom_replacement_desc: Replacement
    scope: str
    nodes: dict[str, Node]
    inputs: tuple[tuple[Port, ...], ...]
    outputs: tuple[Port | None, ...]

    def matched_nodes_names(self) -> list[str]:
        """Return the names of the part's nodes."""
        return list(self.nodes)

    def input_nodes(self, index: int) -> tuple[Port, ...]:
        """Return the nodes that read input tensor ``index``, with their input ports."""
        if not 0 <= index < len(self.inputs):
            raise self._error("The matched part has no such input", len(self.inputs), index)
        return self.inputs[index]

    def single_input_node(self, index: int) -> Port:
        """Return the only reader of input tensor ``index``; InputError if there are several."""
        readers = self.input_nodes(index)
        if len(readers) != 1:
            names = ", ".join(node.name for node, _ in readers)
            raise self._error(f"Input {index} of the matched part has several readers", "one", names)
        return readers[0]

    def input_tensor(self, index: int) -> Output:
        """Return input tensor ``index`` itself."""
        node, port = self.input_nodes(index)[0]
        tensor = node.inputs[port] if port < len(node.inputs) else None
        if tensor is None:
            raise self._error("The matched part has an input that is not connected", "a tensor", node.name)
        return tensor

    def output_node(self, index: int) -> Port:
        """Return the node that gives output ``index``, with its output port."""
        if not 0 <= index < len(self.outputs):
            raise self._error("The matched part has no such output", len(self.outputs), index)
        found = self.outputs[index]
        if found is None:
            raise self._error("The graph lacks an output of the matched part", f"output {index}", "none")
        return found

    def node_by_pattern(self, pattern: str) -> Node:
        """Return the part's only node whose name behind the scope fits a regular expression."""
        return find_one(self.nodes.values(), self.scope, pattern, self.custom_replacement_desc.where)

    def _error(self, what: str, expected: object, got: object) -> InputError:
        return InputError(what, where=self.custom_replacement_desc.where, expected=expected, got=got)


def find_one(nodes: Iterable[Node], scope: str, pattern: str, where: str) -> Node:
    """Return the only node called ``scope`` and then what fits the pattern.

    Raises
    ------
    InputError
        If no node fits, or several do.
    """
    found = find_all(nodes, scope, pattern)
    if len(found) != 1:
        raise InputError(
            "A pattern has to fit one node",
            where=where,
            expected=f"one node {scope or '…'} + {pattern}",
            got=some([node.name for node in found]) or "none",
        )
    return found[0]


def find_all(nodes: Iterable[Node], scope: str, pattern: str) -> list[Node]:
    """Return the nodes called ``scope`` and then what fits the pattern, which is anchored at both ends."""
    expression = re.compile(pattern)
    return [
        node for node in nodes if node.name.startswith(scope) and expression.fullmatch(node.name, len(scope))
    ]


def some(names: Iterable[str]) -> str:
    """Return names as a list for people, the first of them if there are many."""
    listed = list(names)
    more = len(listed) - MOST_NAMES
    return ", ".join(listed[:MOST_NAMES]) + (f", … ({more} more)" if more > 0 else "")
