"""Frozen graphs after other people's tools give what they gave before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ckssd.graph.foreign.known_form import in_known_form
from ckssd.graph.graph import Graph
from ckssd.graph.node import Output
from ckssd.graph.tflite.plan import TFLiteGraph, remade
from ckssd.graph.tflite.wanted import Wanted
from tests.graph.tiny_ssd import FLOATS, tiny_ssd

SCATTER = "Preprocessor/map/TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3"
GATHER = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3"


def prefixed(graph: Graph) -> None:
    graph.rename_all({node.name: f"import/{node.name}" for node in graph})


def deeper(graph: Graph) -> None:
    graph.rename_all({node.name: f"a/b/{node.name}" for node in graph})


def identities(graph: Graph) -> None:
    """An Identity behind every node of the Postprocessor that computes with floats."""
    for node in list(graph):
        inside = node.name.startswith("Postprocessor/")
        if inside and node.op in ("RealDiv", "Reshape", "ExpandDims", "Sigmoid", "Slice", "Exp", "Cast"):
            readers = graph.readers(Output(node.name))
            debug = graph.add("Identity", f"{node.name}/debug", [node], FLOATS)
            for reader, port in readers:
                graph.connect(debug, reader, port)


def shared_constant(graph: Graph) -> None:
    """As merge_duplicate_nodes: one number 1 for the Preprocessor and the Postprocessor."""
    graph.connect(Output("Preprocessor/sub/y"), graph.node("Postprocessor/scale_logits"), 1)
    graph.remove(["Postprocessor/scale_logits/y"])


def constant_of_the_postprocessor(graph: Graph) -> None:
    """The network reads a number that goes with the Postprocessor."""
    axis = graph.add_constant("Postprocessor/axis", np.array(1, np.int32))
    graph.connect(axis, graph.node("concat"), 2)


def merged_shapes(graph: Graph) -> None:
    kept, gone = "Preprocessor/map/Shape", "Preprocessor/map/TensorArrayUnstack/Shape"
    graph.redirect(Output(gone), Output(kept))
    graph.remove([gone])


def scaled_first(graph: Graph) -> None:
    """As exporters of 2022: the pixels are scaled before the resize."""
    images = graph.node(SCATTER).inputs[2]
    assert images is not None
    graph.redirect(Output("Preprocessor/sub"), Output(GATHER))
    for name in (SCATTER, "Preprocessor/map/Shape", "Preprocessor/map/TensorArrayUnstack/Shape"):
        node = graph.node(name)
        graph.connect(Output("Preprocessor/sub"), node, node.inputs.index(images))
    graph.connect(images, graph.node("Preprocessor/mul"), 1)


TOOLS: dict[str, Callable[[Graph], None]] = {
    "import/": prefixed,
    "another scope": deeper,
    "Identity nodes": identities,
    "a constant of two parts": shared_constant,
    "a constant of the Postprocessor": constant_of_the_postprocessor,
    "one question for the shape": merged_shapes,
    "scaled before the resize": scaled_first,
}


def described(made: TFLiteGraph) -> dict[str, object]:
    return {name: each.value for name, each in made.context.settings.items()}


@pytest.mark.parametrize("name", TOOLS)
def test_the_graph_for_tflite_is_the_same(name: str) -> None:
    graph, before = tiny_ssd(), remade(tiny_ssd(), Wanted())
    TOOLS[name](graph)
    graph.check(name)
    made = remade(graph, Wanted())
    assert described(made) == described(before)
    np.testing.assert_array_equal(made.anchors, before.anchors)
    ops, before_ops = (sorted(node.op for node in each.graph) for each in (made, before))
    assert [op for op in ops if op != "Const"] == [op for op in before_ops if op != "Const"]


def test_what_was_done_is_said_and_an_exporters_own_graph_is_left_alone() -> None:
    graph = tiny_ssd()
    shared_constant(graph)
    identities(graph)
    assert in_known_form(graph) == [
        "1 constants that parts of the graph shared were given to each",
        "12 Identity nodes in the Postprocessor were passed over",
    ]
    assert in_known_form(tiny_ssd()) == []
