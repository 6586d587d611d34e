"""Finds the part of a graph between the start and end points of a configuration."""

from __future__ import annotations

from ckssd.errors import InputError
from ckssd.graph.configuration import PointsReplacement
from ckssd.graph.graph import INPUT_OPS, Graph
from ckssd.graph.match import Port, SubgraphMatch, some
from ckssd.graph.node import Node, Output, sources


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
    inner = between - starts
    reading = [
        node.name
        for node in graph
        if node.name in inner and any(name in dependent and name not in between for name in sources(node))
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
