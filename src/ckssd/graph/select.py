"""Picks the shipped configuration that fits a graph, by the names in the graph, never by a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError
from ckssd.graph.applying import find_matches
from ckssd.graph.configuration import Configuration, read_configuration, shipped_configurations
from ckssd.graph.graph import Graph


@dataclass(frozen=True)
class Selected:
    """A configuration, and why it was chosen."""

    configuration: Configuration
    reason: str


def select_configuration(graph: Graph, paths: Sequence[Path] | None = None) -> Selected:
    """Return the configuration all of whose replacements match: that with the most points, then nodes.

    Parameters
    ----------
    paths
        The candidates; the shipped ones by default.

    Raises
    ------
    InputError
        If none fits; says for each what does not, and which nodes the graph has instead.
    """
    fitting: list[tuple[int, int, Configuration]] = []
    misfits: list[str] = []
    for path in shipped_configurations() if paths is None else paths:
        configuration = read_configuration(path)
        try:
            matches = [
                match
                for replacement in configuration.replacements
                for match in find_matches(graph, replacement)
            ]
        except InputError as error:
            misfits.append(f"{configuration.name}: {_misfit(error)}")
        else:
            covered = sum(len(match.nodes) for match in matches)
            fitting.append((_points(configuration), covered, configuration))
    if not fitting:
        raise InputError(
            "No configuration fits this graph",
            where=graph.source,
            got="; ".join(misfits),
            advice="write one for these nodes: --tensorflow_use_custom_operations_config FILE",
        )
    chosen = max(fitting, key=lambda each: each[:2])[2]
    others = [each.name for _, _, each in fitting if each is not chosen]
    reason = f"all its {_points(chosen)} points are in the graph, and the match does not reach the input"
    if others:
        reason += f" ({', '.join(others)} would fit, too, with fewer points or nodes)"
    return Selected(chosen, reason)


def _points(configuration: Configuration) -> int:
    return sum(len(each.start_points) + len(each.end_points) for each in configuration.points)


def _misfit(error: InputError) -> str:
    """What does not fit, without the file's name that stands before it."""
    facts = [error.what]
    if error.expected:
        facts.append(f"expected {error.expected}")
    if error.got:
        facts.append(f"got {error.got}")
    if error.advice:
        facts.append(error.advice)
    return ", ".join(facts)
