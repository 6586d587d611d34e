"""Finds the part of a graph that a configuration names: between points, or in scopes.

The result is a SubgraphMatch: the part's nodes, and its inputs and outputs in the configuration's order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ckssd.errors import InputError
from ckssd.graph.configuration import PatternPort, PointsReplacement, Replacement, ScopeReplacement
from ckssd.graph.graph import INPUT_OPS, Graph, Node, Output, sources

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


def match_points(graph: Graph, wanted: PointsReplacement) -> SubgraphMatch:
    """Return the part between start and end points.

    It holds what depends on the start points, and what that reads besides, as long as it is constant.

    Raises
    ------
    InputError
        If a point is not in the graph, an end point does not depend on a start point, or the part reads a
        tensor that depends on the graph's input besides the start points: a start point is missing then.
    """
    _check_points(graph, wanted)
    starts, ends = set(wanted.start_points), set(wanted.end_points)
    between = graph.descendants(starts)
    unreached = [name for name in wanted.end_points if name not in between]
    if unreached:
        raise InputError(
            "An end point does not depend on any start point", where=wanted.where, got=some(unreached)
        )
    _check_starts(graph, wanted, between)
    constants = _constants_of(graph, wanted, between, starts)
    names = between | constants
    if not wanted.include_inputs:
        names -= starts
    if not wanted.include_outputs:
        names -= ends
    nodes = {node.name: node for node in graph if node.name in names}
    return SubgraphMatch(
        wanted,
        "",
        nodes,
        tuple(_point_readers(graph, wanted, nodes, name) for name in wanted.start_points),
        tuple((graph.node(name), 0) for name in wanted.end_points),
    )


def _check_points(graph: Graph, wanted: PointsReplacement) -> None:
    missing = missing_points(graph, wanted)
    if missing:
        candidates = boundary(graph, missing[0].rpartition("/")[0])
        raise InputError(
            "Points of the configuration are not in the graph",
            where=f"{wanted.where}; {graph.source}",
            expected=some(missing),
            advice=f"the graph's own candidates: {some(candidates)}" if candidates else None,
        )


def _check_starts(graph: Graph, wanted: PointsReplacement, between: set[str]) -> None:
    """A start point stands where the part begins, not somewhere inside it."""
    for name in wanted.start_points:
        inner = [tensor.node for tensor in graph.node(name).inputs if tensor and tensor.node in between]
        if inner:
            raise InputError(
                "A start point lies inside the matched part: the configuration does not fit this graph",
                where=wanted.where,
                got=f"{name} reads {some(inner)}",
            )


def missing_points(graph: Graph, wanted: PointsReplacement) -> list[str]:
    """Return the configuration's points that the graph has not."""
    return [name for name in (*wanted.start_points, *wanted.end_points) if name not in graph]


def boundary(graph: Graph, scope: str) -> list[str]:
    """Return the nodes of a scope that read tensors from outside of it: what start points may be."""
    if not scope:
        return []
    inside = scope + "/"
    return [
        node.name
        for node in graph
        if node.name.startswith(inside)
        and any(tensor and not tensor.node.startswith(inside) for tensor in node.inputs)
    ]


def _constants_of(graph: Graph, wanted: PointsReplacement, between: set[str], starts: set[str]) -> set[str]:
    """What the nodes between the points read besides: constants and what is computed from them."""
    extra: set[str] = set()
    queue = [name for name in between if name not in starts]
    while queue:
        node = graph.node(queue.pop())
        if node.op in INPUT_OPS:
            raise InputError(
                "The matched part reaches the graph's input: the configuration does not fit this graph",
                where=wanted.where,
                got=node.name,
                advice=f"start points may be missing: {some(_open_ends(graph, between, starts))}",
            )
        for name in sources(node):
            if name not in between and name not in extra:
                extra.add(name)
                queue.append(name)
    return extra


def _open_ends(graph: Graph, between: set[str], starts: set[str]) -> list[str]:
    """Nodes of the start points' scope through which the part reads what depends on the graph's input."""
    dependent = graph.descendants(node.name for node in graph.inputs())
    reading = [
        node.name
        for node in graph
        if node.name in between - starts
        and any(name in dependent and name not in between for name in sources(node))
    ]
    scope = next(iter(sorted(starts))).rpartition("/")[0]
    entries = graph.ancestors(reading) & dependent & set(boundary(graph, scope)) - between
    return sorted(entries) or reading


def _point_readers(
    graph: Graph, wanted: PointsReplacement, nodes: dict[str, Node], name: str
) -> tuple[Port, ...]:
    """Who in the part reads the tensor that belongs to a start point; the point itself comes first."""
    point = graph.node(name)
    if wanted.include_inputs:
        tensor = next(iter(point.inputs), None)
        if tensor is None:
            raise InputError("A start point reads nothing", where=wanted.where, got=name)
    else:
        tensor = Output(name)
    readers = [(node, port) for node, port in graph.readers(tensor) if node.name in nodes]
    if not readers:
        raise InputError("Nothing reads a start point's tensor", where=wanted.where, got=name)
    return tuple(sorted(readers, key=lambda reader: reader[0].name != name))


def match_scopes(graph: Graph, wanted: ScopeReplacement) -> list[SubgraphMatch]:
    """Return the parts in the scopes that fit the patterns, one for each scope.

    A scope is what a pattern fits at the beginning of a node's name. An output pattern that fits no node is
    an output that nobody reads, so that freezing removed it; an input pattern has to fit.

    Raises
    ------
    InputError
        If no scope fits, an input's node is not there, or a pattern fits several nodes of a scope.
    """
    scopes: dict[str, None] = {}
    for pattern in wanted.scopes:
        expression = re.compile(pattern)
        for node in graph:
            fit = expression.match(node.name)
            if fit and fit.group():
                scopes[fit.group()] = None
    if not scopes:
        raise InputError(
            "No scope of the graph fits the configuration",
            where=f"{wanted.where}; {graph.source}",
            expected=" or ".join(wanted.scopes),
            got=some(sorted({node.name.partition("/")[0] + "/" for node in graph if "/" in node.name})),
        )
    return [_match_scope(graph, wanted, scope) for scope in scopes]


def _match_scope(graph: Graph, wanted: ScopeReplacement, scope: str) -> SubgraphMatch:
    nodes = {node.name: node for node in graph if node.name.startswith(scope)}
    inputs = tuple(
        tuple(_reader(nodes, wanted, scope, place) for place in tensor) for tensor in wanted.inputs
    )
    outputs = tuple(_giver(nodes, wanted, scope, place) for place in wanted.outputs)
    if outputs and not any(outputs):
        raise InputError(
            "No output of the configuration is in the scope",
            where=f"{wanted.where}, scope {scope}",
            expected=some([place.pattern for place in wanted.outputs]),
        )
    return SubgraphMatch(wanted, scope, nodes, inputs, outputs)


def _reader(nodes: dict[str, Node], wanted: ScopeReplacement, scope: str, place: PatternPort) -> Port:
    node = find_one(nodes.values(), scope, place.pattern, f"{wanted.where}, key inputs")
    if place.port >= len(node.inputs):
        raise InputError(
            "A node has no such input port",
            where=f"{wanted.where}, key inputs",
            expected=f"a port of {node.name}: {len(node.inputs)} inputs",
            got=place.port,
        )
    return node, place.port


def _giver(nodes: dict[str, Node], wanted: ScopeReplacement, scope: str, place: PatternPort) -> Port | None:
    if not find_all(nodes.values(), scope, place.pattern):
        return None
    return find_one(nodes.values(), scope, place.pattern, f"{wanted.where}, key outputs"), place.port


def some(names: Iterable[str]) -> str:
    """Return names as a list for people, the first of them if there are many."""
    listed = list(names)
    more = len(listed) - MOST_NAMES
    return ", ".join(listed[:MOST_NAMES]) + (f", … ({more} more)" if more > 0 else "")
