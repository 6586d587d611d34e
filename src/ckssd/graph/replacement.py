"""Replacers: classes that swap a matched part of a graph for something else, and where they are found.

A replacer states its ``replacement_id`` and overrides hooks; applying.py does what the hooks answer.
"""

from __future__ import annotations

import abc
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from ckssd.errors import CkssdError, InputError
from ckssd.graph.configuration import GeneralReplacement, Replacement
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node, Output
from ckssd.graph.settings import Request, Setting

# A node's name or alias, alone (port 0) or with a port.
Place = str | tuple[str, int]
SubGraph = Mapping[str, Node]
T = TypeVar("T")


@dataclass
class Context:
    """What a replacer may know besides the match, and where it notes what it found.

    Attributes
    ----------
    request
        What the person asked for: input shape, pipeline configuration, thresholds.
    settings
        Values that were decided on, with their origin; they are printed and written into the IR.
    notes
        Sentences for people.
    tensors
        What errors call the inputs of new nodes: name of the input to the tensor of the original graph.
    """

    request: Request
    settings: dict[str, Setting] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tensors: dict[str, Output] = field(default_factory=dict)


class Replacer(abc.ABC):
    """What the two kinds of replacers share. One object lives for one conversion."""

    replacement_id: ClassVar[str]
    replacement_aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: Context) -> None:
        self.context = context


class FrontReplacementFromConfigFileSubGraph(Replacer):
    """Swaps a matched part for a new sub-graph."""

    @abc.abstractmethod
    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        """Add the new nodes, connected to each other; return them by aliases of your choice."""

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """Say which new input reads the tensor that an old input read: old place to new place.

        A place is a node's name (or alias) for port 0, or a tuple of the name and an input port.
        """
        return {}

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """Say which new output stands in for an old one: old place to new place, with output ports."""
        return {}

    def nodes_to_remove(self, graph: Graph, match: SubgraphMatch) -> Iterable[str]:
        """Return the names of the nodes to take out afterwards: all that matched."""
        return match.matched_nodes_names()


class FrontReplacementFromConfigFileGeneral(Replacer):
    """Changes the graph as it likes, once."""

    @abc.abstractmethod
    def transform_graph(self, graph: Graph, custom_attributes: Mapping[str, Any]) -> None:
        """Edit the graph."""


class Registry:
    """Replacer classes by id."""

    def __init__(self, classes: Iterable[type[Replacer]] = ()) -> None:
        self._classes: dict[str, type[Replacer]] = {}
        for each in classes:
            self.add(each)

    def add(self, replacer: type[Replacer]) -> None:
        """Make a class known under its id and aliases.

        Raises
        ------
        InputError
            If it has no id, or another class has the same one.
        """
        identity = getattr(replacer, "replacement_id", None)
        if not isinstance(identity, str) or not identity:
            raise InputError("A replacer has no replacement_id", where=_place_of(replacer))
        for name in (identity, *replacer.replacement_aliases):
            known = self._classes.get(name)
            if known is not None:
                raise InputError(
                    "Two replacers have the same replacement_id",
                    where=_place_of(replacer),
                    got=f"{name}, which is {_place_of(known)} already",
                )
            self._classes[name] = replacer

    def ids(self) -> list[str]:
        """Return the known ids."""
        return sorted(self._classes)

    def find(self, replacement: Replacement) -> type[Replacer]:
        """Return the class for a replacement.

        Raises
        ------
        InputError
            If the id is unknown (the known ones are listed), or its class is for another kind of match.
        """
        found = self._classes.get(replacement.id)
        if found is None:
            raise InputError(
                "No replacer has this id",
                where=f"{replacement.where}, key id",
                expected=f"one of {', '.join(self.ids())}",
                got=replacement.id,
                advice="load your own replacers with --extensions DIR",
            )
        wanted = (
            FrontReplacementFromConfigFileGeneral
            if isinstance(replacement, GeneralReplacement)
            else FrontReplacementFromConfigFileSubGraph
        )
        if not issubclass(found, wanted):
            raise InputError(
                "This replacer is for another match_kind",
                where=f"{replacement.where}, key match_kind",
                expected=f"a {wanted.__name__}",
                got=f"{found.__name__}, a {found.__base__.__name__ if found.__base__ else 'class'}",
            )
        return found

    def load(self, folder: Path) -> None:
        """Make the replacers in a folder's Python files known.

        Raises
        ------
        InputError
            If the folder has no Python files, one of them fails, or holds no replacer.
        """
        files = sorted(folder.glob("*.py")) if folder.is_dir() else []
        if not files:
            raise InputError(
                "There are no extensions", where=folder, expected="a folder with Python files of replacers"
            )
        for path in files:
            for replacer in _replacers_in(path):
                self.add(replacer)


def _replacers_in(path: Path) -> list[type[Replacer]]:
    name = f"ckssd_extension_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError("The extension is no Python file", where=path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the extension look their module up
    guarded(lambda: spec.loader.exec_module(module), f"loading {path}")  # type: ignore[union-attr]
    found = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Replacer) and each.__module__ == name and not inspect.isabstract(each)
    ]
    if not found:
        raise InputError(
            "The extension holds no replacer",
            where=path,
            expected="a subclass of FrontReplacementFromConfigFileSubGraph or …General with all its hooks",
        )
    return found


def guarded(call: Callable[[], T], where: str) -> T:
    """Run code that a person wrote; whatever it raises becomes an error that names it."""
    try:
        return call()
    except CkssdError:
        raise
    except Exception as error:
        raise InputError(
            "An extension failed", where=where, got=f"{type(error).__name__}: {error}"
        ) from error


def _place_of(replacer: type[Replacer]) -> str:
    return f"{replacer.__module__}.{replacer.__qualname__}"
