"""Graphs of TensorFlow 2's exporters are brought into the form of TensorFlow 1's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType
from ckssd.graph.foreign.known_form import in_known_form
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.graph.node import Output
from ckssd.graph.options import from_mapping, options_from
from ckssd.graph.plan import make_plan
from ckssd.graph.select import select_configuration
from ckssd.graph.tflite.plan import remade
from ckssd.graph.tflite.wanted import Wanted
from tests.graph.tiny_ssd import tiny_ssd
from tests.graph.tiny_tf2 import BODY, LOOP, tiny_tf2

SHAPES = [(looped, named) for looped in (True, False) for named in (True, False)]


@pytest.mark.parametrize(("looped", "named"), SHAPES)
def test_a_configuration_fits_whoever_froze_it(looped: bool, named: bool) -> None:
    graph = tiny_tf2(looped=looped, named=named)
    notes = in_known_form(graph)
    assert notes[0] == "the scope StatefulPartitionedCall/ was taken off all names"
    assert (len(notes) == 2) is looped
    graph.check("the known form")
    assert graph.scope == "StatefulPartitionedCall/"
    assert select_configuration(graph).configuration.name == "ssd_support_api_v2.4.json"
    assert "image_tensor" in graph
    needed = {graph.node(name).op for name in graph.ancestors(["detection_boxes"])}
    assert not needed & {"Enter", "NoOp", "TensorListStack"}


def test_an_exporter_before_raw_box_encodings() -> None:
    graph = tiny_tf2()
    encodings = graph.node("StatefulPartitionedCall/Postprocessor/raw_box_encodings")
    assert encodings.inputs[0] is not None
    graph.redirect(Output(encodings.name), encodings.inputs[0])
    in_known_form(graph)
    assert select_configuration(graph).configuration.name == "ssd_support_api_v2.0.json"


def test_a_second_time_changes_nothing() -> None:
    graph = tiny_tf2()
    in_known_form(graph)
    before = [(node.name, node.op, list(node.inputs)) for node in graph]
    assert in_known_form(graph) == []
    assert [(node.name, node.op, list(node.inputs)) for node in graph] == before


def test_a_graph_of_tensorflow_1_stays_as_it_is() -> None:
    graph = tiny_ssd()
    before = [(node.name, node.op, list(node.inputs)) for node in graph]
    assert in_known_form(graph) == []
    assert [(node.name, node.op, list(node.inputs)) for node in graph] == before


@pytest.mark.parametrize("looped", [True, False])
def test_for_tflite_the_anchors_scales_and_input_are_those_of_the_same_model_in_tensorflow_1(
    looped: bool,
) -> None:
    ours, theirs = (remade(graph, Wanted()) for graph in (tiny_tf2(looped=looped), tiny_ssd()))
    np.testing.assert_array_equal(ours.anchors, theirs.anchors)
    assert ours.num_classes == theirs.num_classes
    values = [{name: each.value for name, each in made.context.settings.items()} for made in (ours, theirs)]
    assert values[0] == values[1]
    shapes = [made.graph.node("normalized_input_image_tensor").attribute("shape") for made in (ours, theirs)]
    assert shapes[0] == shapes[1]


def _second_image(graph: Graph) -> None:
    """Let the body read what it stored for the image before."""
    cast = graph.node(f"{BODY}/Preprocessor/mul")
    graph.connect(Output(f"{LOOP}/switch/results", 1), cast, 1)


def _functional(graph: Graph) -> None:
    graph.add("StatelessWhile", "StatefulPartitionedCall/map/while", [Output("input_tensor")])


def _other_outputs(graph: Graph) -> None:
    node = graph.node("StatefulPartitionedCall/add")
    node.op, node.raw = "Mul", None


def _other_loop(graph: Graph) -> None:
    node = graph.node(f"{LOOP}/exit/results")
    node.op, node.raw = "Relu", None


BAD: dict[str, tuple[Callable[[Graph], None], str]] = {
    "a loop that carries something": (_second_image, "carries something from one image to the next"),
    "functions": (_functional, "control flow is not lowered"),
    "outputs in another order": (_other_outputs, "another order than in a SavedModel"),
    "a loop of another form": (_other_loop, "has another form"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_known_is_said_by_the_name_of_a_node(name: str) -> None:
    change, told = BAD[name]
    graph = tiny_tf2()
    change(graph)
    with pytest.raises(InputError, match=told) as caught:
        in_known_form(graph)
    assert "node " in str(caught.value)


def test_a_list_of_another_origin_is_refused() -> None:
    graph = tiny_tf2()
    node = graph.node("StatefulPartitionedCall/map/TensorListFromTensor")
    node.op, node.raw = "TensorListReserve", None
    with pytest.raises(InputError, match="reads a list of another origin"):
        in_known_form(graph)


def test_renaming_keeps_every_edge() -> None:
    graph = tiny_ssd()
    graph.rename_all({node.name: f"a/{node.name}" for node in graph})
    graph.check("renaming")
    assert graph.node("a/concat").inputs[0] == Output("a/BoxPredictor_0/Box/Reshape")
    taken = graph.rename_all({"a/concat": "a/Squeeze"})
    assert taken == {"a/concat": "a/Squeeze_1"}
    assert graph.node("a/Squeeze").inputs[0] == Output("a/Squeeze_1")
    assert graph.node("a/Squeeze_1").attribute("T") == DataType.FLOAT


@pytest.mark.parametrize("flags", [{"batch": "2"}, {"input_shape": "[1,8,8,3]"}])
def test_another_batch_or_size_is_refused(flags: dict[str, str], tmp_path: Path) -> None:
    write_graph(tiny_tf2(), tmp_path / "frozen.pb")
    options = options_from(from_mapping({"input_model": str(tmp_path / "frozen.pb"), **flags}))
    with pytest.raises(InputError, match=r"holds its batch and image size as constants.*\[1,4,4,3\]"):
        make_plan(options)
