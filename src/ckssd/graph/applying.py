"""Makes the replacements of a configuration: matches, asks the replacer's hooks, and edits the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ckssd.errors import InputError
from ckssd.graph.configuration import (
    Configuration,
    PointsReplacement,
    Replacement,
    ScopeReplacement,
)
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch, some
from ckssd.graph.node import Output
from ckssd.graph.points import match_points
from ckssd.graph.replacement import (
    Context,
    FrontReplacementFromConfigFileGeneral,
    FrontReplacementFromConfigFileSubGraph,
    Place,
    Registry,
    SubGraph,
    guarded,
)
from ckssd.graph.scopes import match_scopes


@dataclass(frozen=True)
class Applied:
    """One replacement that was made.

    Attributes
    ----------
    replacer
        The class's name.
    match
        The part as it was; None for a general replacement.
    removed, added
        Names of nodes.
    outputs
        Old output to the new one that stands in for it.
    """

    replacer: str
    match: SubgraphMatch | None
    removed: tuple[str, ...]
    added: tuple[str, ...]
    outputs: dict[Output, Output]


def find_matches(graph: Graph, replacement: Replacement) -> list[SubgraphMatch]:
    """Return the parts that a replacement of the configuration names; none for a general one."""
    if isinstance(replacement, PointsReplacement):
        return [match_points(graph, replacement)]
    return match_scopes(graph, replacement) if isinstance(replacement, ScopeReplacement) else []


def apply_configuration(
    graph: Graph,
    configuration: Configuration,
    registry: Registry,
    context: Context,
    *,
    seen: Callable[[SubgraphMatch], None] = lambda _: None,
) -> list[Applied]:
    """Make all replacements of a configuration, in order.

    Parameters
    ----------
    seen
        Is called with each match before it is replaced.

    Raises
    ------
    InputError
        If a part is not found, a replacer fails, or what it did leaves no sound graph.
    """
    replacers = [registry.find(replacement)(context) for replacement in configuration.replacements]
    applied = []
    for replacement, replacer in zip(configuration.replacements, replacers, strict=True):
        if isinstance(replacer, FrontReplacementFromConfigFileGeneral):
            applied.append(_transform(graph, replacement, replacer))
        elif isinstance(replacer, FrontReplacementFromConfigFileSubGraph):
            for match in find_matches(graph, replacement):
                seen(match)
                applied.append(_replace(graph, match, replacer))
    return applied


def _transform(
    graph: Graph, replacement: Replacement, replacer: FrontReplacementFromConfigFileGeneral
) -> Applied:
    name = type(replacer).__name__
    before = {node.name for node in graph}
    guarded(lambda: replacer.transform_graph(graph, replacement.custom_attributes), name)
    after = {node.name for node in graph}
    graph.check(name)
    return Applied(name, None, tuple(before - after), tuple(after - before), {})


def _replace(graph: Graph, match: SubgraphMatch, replacer: FrontReplacementFromConfigFileSubGraph) -> Applied:
    name = type(replacer).__name__
    before = {node.name for node in graph}
    new = guarded(lambda: replacer.generate_sub_graph(graph, match), f"{name}.generate_sub_graph")
    inputs = guarded(lambda: replacer.input_edges_match(graph, match, new), f"{name}.input_edges_match")
    for old, fresh in inputs.items():
        _connect(graph, name, _place(old, {}), _place(fresh, new))
    outputs = guarded(lambda: replacer.output_edges_match(graph, match, new), f"{name}.output_edges_match")
    standing_in = {Output(*_place(old, {})): Output(*_place(fresh, new)) for old, fresh in outputs.items()}
    for old_output, new_output in standing_in.items():
        graph.redirect(old_output, new_output)
    removed = guarded(lambda: list(replacer.nodes_to_remove(graph, match)), f"{name}.nodes_to_remove")
    unknown = [each for each in removed if each not in before]
    if unknown:
        raise InputError("A replacer removes nodes that were not there", where=name, got=some(unknown))
    graph.remove(removed)
    added = tuple(node.name for node in graph if node.name not in before)
    return Applied(name, match, tuple(removed), added, standing_in)


def _place(place: Place, new: SubGraph) -> tuple[str, int]:
    """Name and port; a name of the new sub-graph may be an alias."""
    name, port = (place, 0) if isinstance(place, str) else place
    return (new[name].name if name in new else name), port


def _connect(graph: Graph, replacer: str, old: tuple[str, int], fresh: tuple[str, int]) -> None:
    """Let a new input read what an old one reads."""
    inputs = graph.node(old[0]).inputs
    tensor = inputs[old[1]] if 0 <= old[1] < len(inputs) else None
    if tensor is None:
        raise InputError(
            "A replacer names an input that does not exist",
            where=f"{replacer}.input_edges_match",
            got=f"node {old[0]}, input {old[1]}",
        )
    graph.connect(tensor, graph.node(fresh[0]), fresh[1])
