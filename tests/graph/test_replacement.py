"""Replacers: the hooks, the registry, extensions from files, and what is said when one goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import InputError
from ckssd.graph.applying import apply_configuration
from ckssd.graph.configuration import (
    Configuration,
    GeneralReplacement,
    PatternPort,
    Replacement,
    ScopeReplacement,
)
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Output
from ckssd.graph.plan import BUILT_IN
from ckssd.graph.replacement import (
    Context,
    FrontReplacementFromConfigFileGeneral,
    FrontReplacementFromConfigFileSubGraph,
    Place,
    Registry,
    Replacer,
    SubGraph,
)
from ckssd.graph.settings import Request


class Swap(FrontReplacementFromConfigFileSubGraph):
    """A tower of Relus into one Sigmoid."""

    replacement_id = "Swap"

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        return {"new": graph.add("Sigmoid", "short", [None])}

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        node, port = match.single_input_node(0)
        return {(node.id, port): ("new", 0)}

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        return {match.output_node(0)[0].id: "new"}


class Rename(FrontReplacementFromConfigFileGeneral):
    """Writes what it was told into a node."""

    replacement_id = "Rename"

    def transform_graph(self, graph: Graph, custom_attributes: Mapping[str, Any]) -> None:
        graph.node("image").set_attribute("label", custom_attributes["label"])


def tower() -> Graph:
    graph = Graph([], source="tower")
    image = graph.add("Placeholder", "image")
    first = graph.add("Relu", "tower/in", [image])
    second = graph.add("Relu", "tower/out", [first])
    graph.add("Identity", "result", [second])
    return graph


SCOPE = ScopeReplacement(
    "Swap", {}, "here", ("tower/",), ((PatternPort("in", 0),),), (PatternPort("out", 0),)
)


def apply(graph: Graph, replacer: type[Replacer], replacement: Replacement = SCOPE) -> list[Any]:
    configuration = Configuration(Path("here.json"), (replacement,))
    return apply_configuration(graph, configuration, Registry([replacer]), Context(Request()))


def test_the_hooks_swap_a_part() -> None:
    graph = tower()
    (applied,) = apply(graph, Swap)
    assert [node.name for node in graph] == ["image", "result", "short"]
    assert graph.node("short").inputs == [Output("image")]
    assert graph.node("result").inputs == [Output("short")]
    assert applied.outputs == {Output("tower/out"): Output("short")}
    assert (applied.removed, applied.added) == (("tower/in", "tower/out"), ("short",))


class AliasLikeANode(Swap):
    """Its alias is the name of a matched node."""

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        return {"tower/in": graph.add("Sigmoid", "short", [None])}

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        return {"tower/in": "tower/in"}

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        return {"tower/out": "tower/in"}


def test_aliases_mean_new_nodes_and_never_old_ones() -> None:
    graph = tower()
    apply(graph, AliasLikeANode)
    assert graph.node("short").inputs == [Output("image")]
    assert graph.node("result").inputs == [Output("short")]


def test_a_general_replacer_gets_its_attributes() -> None:
    graph = tower()
    apply(graph, Rename, GeneralReplacement("Rename", {"label": "x"}, "here"))
    assert graph.node("image").attribute("label") == b"x"


def test_the_seeds_ids_and_their_later_names_are_known() -> None:
    assert Registry(BUILT_IN).ids() == [
        "ObjectDetectionAPIPreprocessorReplacement",
        "ObjectDetectionAPISSDPostprocessorReplacement",
        "PreprocessorReplacement",
        "TFObjectDetectionAPIDetectionOutput",
    ]


def test_an_unknown_id_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="No replacer has this id") as caught:
        apply(tower(), Rename)
    assert caught.value.expected == "one of Rename"
    assert caught.value.got == "Swap"


def test_a_replacer_for_another_match_kind() -> None:
    with pytest.raises(InputError, match="another match_kind"):
        apply(tower(), Swap, GeneralReplacement("Swap", {}, "here"))


def test_two_replacers_of_one_id() -> None:
    with pytest.raises(InputError, match="same replacement_id") as caught:
        Registry([Swap, Swap])
    assert "Swap" in str(caught.value)


class Failing(Swap):
    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        raise ZeroDivisionError("a slip")


class WrongInput(Swap):
    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        return {("tower/in", 7): "new"}


class WrongRemoval(Swap):
    def nodes_to_remove(self, graph: Graph, match: SubgraphMatch) -> list[str]:
        return ["nobody"]


@pytest.mark.parametrize(
    ("replacer", "said"),
    [
        (Failing, "ZeroDivisionError: a slip"),
        (WrongInput, "tower/in, input 7"),
        (WrongRemoval, "nobody"),
    ],
)
def test_a_replacer_that_goes_wrong_is_named(replacer: type[Replacer], said: str) -> None:
    with pytest.raises(InputError) as caught:
        apply(tower(), replacer)
    assert said in str(caught.value)
    assert replacer.__name__ in str(caught.value)


class Cycle(FrontReplacementFromConfigFileGeneral):
    replacement_id = "Cycle"

    def transform_graph(self, graph: Graph, custom_attributes: Mapping[str, Any]) -> None:
        graph.connect(graph.node("result"), graph.node("tower/in"))


def test_a_cycle_made_by_an_extension_is_named() -> None:
    with pytest.raises(InputError, match="After Cycle, the graph has a cycle"):
        apply(tower(), Cycle, GeneralReplacement("Cycle", {}, "here"))


EXTENSION = """
from ckssd.graph.replacement import FrontReplacementFromConfigFileGeneral

class Mine(FrontReplacementFromConfigFileGeneral):
    replacement_id = "Mine"

    def transform_graph(self, graph, custom_attributes):
        graph.remove(["result"])
"""


def test_replacers_are_loaded_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(EXTENSION)
    registry = Registry(BUILT_IN)
    registry.load(tmp_path)
    assert "Mine" in registry.ids()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = (", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("x = 1", "holds no replacer"),
        (EXTENSION.replace('replacement_id = "Mine"', "pass"), "no replacement_id"),
    ],
)
def test_an_extension_that_cannot_be_used_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "slip.py").write_text(content)
    with pytest.raises(InputError) as caught:
        Registry().load(tmp_path)
    assert said in str(caught.value)
    assert "slip" in str(caught.value)


def test_a_folder_without_extensions(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no extensions"):
        Registry().load(tmp_path / "nothing")
