"""Finds the parts of a graph in the scopes that a configuration's patterns fit."""

from __future__ import annotations

import re

from ckssd.errors import InputError
from ckssd.graph.configuration import PatternPort, ScopeReplacement
from ckssd.graph.graph import Graph
from ckssd.graph.match import Port, SubgraphMatch, find_all, find_one, some
from ckssd.graph.node import Node


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
