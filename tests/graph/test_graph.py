"""Edges, walks, pruning and checks of a graph."""

from __future__ import annotations

import pytest

from ckssd.errors import InputError
from ckssd.graph.graph import Graph
from ckssd.graph.node import Output


def chain() -> Graph:
    """image → a → b → c, and a constant that b reads; d hangs at a."""
    graph = Graph([], source="chain")
    image = graph.add("Placeholder", "image")
    first = graph.add("Split", "a", [image])
    constant = graph.add("Const", "constant")
    second = graph.add("Add", "b", [Output("a", 1), constant])
    graph.add("Identity", "c", [second])
    graph.add("Identity", "d", [first])
    return graph


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph]


def test_readers_are_told_apart_by_port() -> None:
    graph = chain()
    assert [(node.name, port) for node, port in graph.readers(Output("a", 1))] == [("b", 0)]
    assert [(node.name, port) for node, port in graph.readers(Output("a"))] == [("d", 0)]


def test_redirect_moves_every_reader() -> None:
    graph = chain()
    graph.redirect(Output("a", 1), Output("image"))
    assert graph.readers(Output("a", 1)) == []
    assert graph.node("b").inputs[0] == Output("image")


def test_walks_follow_data_and_control_edges() -> None:
    graph = chain()
    graph.add_control("d", then="c")
    assert graph.ancestors(["b"]) == {"image", "a", "constant", "b"}
    assert "d" in graph.ancestors(["c"])
    assert graph.descendants(["constant"]) == {"constant", "b", "c"}


def test_pruning_keeps_what_the_outputs_need() -> None:
    graph = chain()
    assert graph.prune(["b"]) == ["c", "d"]
    assert names(graph) == ["image", "a", "constant", "b"]
    assert graph.sinks() == ["b"]


def test_pruning_at_an_output_that_does_not_exist_names_close_ones() -> None:
    graph = chain()
    graph.add("Identity", "detection_boxes", [Output("c")])
    with pytest.raises(InputError, match="no such node") as caught:
        graph.prune(["detection_box"])
    assert "detection_boxes" in str(caught.value)


def test_removing_a_node_ends_control_edges_and_leaves_data_edges_to_be_found() -> None:
    graph = chain()
    graph.add_control("d", then="c")
    graph.remove(["d"])
    assert graph.node("c").controls == []
    graph.check("this")
    graph.remove(["constant"])
    with pytest.raises(InputError, match="After that, a node reads a tensor that does not exist") as caught:
        graph.check("that")
    assert "node b, input 1" in str(caught.value)


def test_a_port_that_nobody_connected_is_found() -> None:
    graph = chain()
    graph.connect(graph.node("image"), graph.node("c"), 2)
    with pytest.raises(InputError, match="nothing connected"):
        graph.check("connecting")


def test_a_cycle_is_named_but_a_loop_is_none() -> None:
    graph = chain()
    merge = graph.add("Merge", "merge", [Output("c"), None])
    back = graph.add("NextIteration", "back", [merge])
    graph.connect(back, merge, 1)
    graph.check("adding a loop")
    graph.connect(graph.node("c"), graph.node("a"), 1)
    with pytest.raises(InputError, match="cycle") as caught:
        graph.check("a slip")
    assert {"a", "b", "c"} <= set(str(caught.value.got).split(" → "))


def test_a_taken_name_gets_a_number() -> None:
    graph = chain()
    assert graph.add("Identity", "c", [Output("c")]).name == "c_1"


@pytest.mark.parametrize("port", [-1, 10**9])
def test_a_port_that_makes_no_sense(port: int) -> None:
    graph = chain()
    with pytest.raises(InputError, match="no such input port"):
        graph.connect(graph.node("a"), graph.node("c"), port)


def test_a_loop_that_leads_nowhere_never_reaches_openvino() -> None:
    graph = chain()
    graph.add("NextIteration", "back")
    with pytest.raises(InputError, match="leads nowhere"):
        graph.check("reading")
