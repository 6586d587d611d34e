"""Matching by points and by scope, as the seed describes it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ckssd.errors import InputError
from ckssd.graph.configuration import (
    SHIPPED,
    PatternPort,
    PointsReplacement,
    ScopeReplacement,
    read_configuration,
    shipped_configurations,
)
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import read_graph
from ckssd.graph.node import Output
from ckssd.graph.points import match_points
from ckssd.graph.scopes import match_scopes
from ckssd.graph.select import select_configuration
from tests.graph.tiny_ssd import LAYOUTS, tiny_ssd


def points(name: str = "ssd_support_cast_1.json") -> PointsReplacement:
    return read_configuration(SHIPPED / name).points[0]


def preprocessor() -> ScopeReplacement:
    found = read_configuration(SHIPPED / "ssd_support_cast_1.json").replacements[1]
    assert isinstance(found, ScopeReplacement)
    return found


def test_the_nodes_between_and_what_they_read_only_through_constants(tiny: Graph) -> None:
    match = match_points(tiny, points())
    names = match.matched_nodes_names()
    assert {"Postprocessor/Decode/unstack", "Postprocessor/Slice/begin", "detection_boxes"} <= set(names)
    # what the start points themselves read belongs to the network
    assert {"Squeeze", "concat_1", "Concatenate/concat", "anchors"}.isdisjoint(names)
    assert all(name.startswith(("Postprocessor/", "detection_", "num_")) for name in names)


def test_inputs_come_in_the_order_of_the_configuration(tiny: Graph) -> None:
    wanted = points()
    match = match_points(tiny, wanted)
    assert [match.input_nodes(index)[0][0].id for index in range(5)] == list(wanted.start_points)
    tensors = [str(match.input_tensor(index)) for index in range(3)]
    assert tensors == ["Squeeze:0", "concat_1:0", "Concatenate/concat:0"]
    turned = dataclasses.replace(wanted, start_points=wanted.start_points[::-1])
    again = match_points(tiny, turned)
    assert [again.input_nodes(index)[0][0].id for index in range(5)] == list(turned.start_points)


def test_every_reader_of_an_input_is_told(tiny: Graph) -> None:
    match = match_points(tiny, points())
    assert {node.name for node, _ in match.input_nodes(0)} == {
        "Postprocessor/Shape",
        "Postprocessor/Reshape_1",
    }
    node, port = match.single_input_node(1)
    assert (node.name, port) == ("Postprocessor/scale_logits", 0)
    with pytest.raises(InputError, match="several readers"):
        match.single_input_node(0)
    with pytest.raises(InputError, match="no such input"):
        match.input_nodes(5)


def test_outputs_are_the_end_points(tiny: Graph) -> None:
    match = match_points(tiny, points())
    assert [match.output_node(index)[0].name for index in range(3)] == [
        "detection_boxes",
        "detection_scores",
        "num_detections",
    ]
    with pytest.raises(InputError, match="no such output"):
        match.output_node(3)


def test_points_may_stay_outside(tiny: Graph) -> None:
    wanted = dataclasses.replace(points(), include_inputs=False, include_outputs=False)
    match = match_points(tiny, wanted)
    assert set(match.nodes).isdisjoint((*wanted.start_points, *wanted.end_points))
    assert match.input_tensor(1) == Output("Postprocessor/scale_logits")
    assert match.input_nodes(1)[0][0].name == "Postprocessor/convert_scores"


def test_a_node_is_found_by_a_pattern(tiny: Graph) -> None:
    match = match_points(tiny, points())
    assert match.node_by_pattern(".*/convert_scores").op == "Sigmoid"
    with pytest.raises(InputError, match="has to fit one node"):
        match.node_by_pattern(".*truediv.*")


def test_a_missing_point_is_named_with_the_graphs_own_candidates(tiny: Graph) -> None:
    with pytest.raises(InputError, match="not in the graph") as caught:
        match_points(tiny, points("ssd_v2_support.json"))
    assert caught.value.expected == "Postprocessor/ToFloat"
    assert "Postprocessor/Cast_1" in str(caught.value.advice)


def test_a_match_that_reaches_the_input_does_not_fit(tiny: Graph) -> None:
    with pytest.raises(InputError, match="reaches the graph's input") as caught:
        match_points(tiny, points("legacy_ssd_support.json"))
    assert "Postprocessor/Cast_1" in str(caught.value.advice)


def test_an_end_point_that_does_not_depend_on_the_start_points(tiny: Graph) -> None:
    wanted = dataclasses.replace(points(), end_points=("Squeeze",))
    with pytest.raises(InputError, match="does not depend on any start point"):
        match_points(tiny, wanted)


def test_a_scope_is_matched_with_its_inputs_and_outputs(tiny: Graph) -> None:
    (match,) = match_scopes(tiny, preprocessor())
    assert match.scope == "Preprocessor/"
    assert all(name.startswith("Preprocessor/") for name in match.matched_nodes_names())
    assert [(node.name, port) for node, port in match.input_nodes(0)] == [
        ("Preprocessor/map/Shape", 0),
        ("Preprocessor/map/TensorArrayUnstack/Shape", 0),
        ("Preprocessor/map/TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3", 2),
    ]
    assert match.output_node(0)[0].name == "Preprocessor/sub"
    assert match.node_by_pattern("mul").name == "Preprocessor/mul"


def two_towers() -> Graph:
    graph = Graph([], source="towers")
    image = graph.add("Placeholder", "image")
    for name in ("left", "right"):
        first = graph.add("Relu", f"{name}/tower/in", [image])
        graph.add("Relu", f"{name}/tower/out", [first])
    return graph


def test_a_scope_may_have_several_instances() -> None:
    wanted = ScopeReplacement(
        "X", {}, "here", (".*/tower/",), ((PatternPort("in", 0),),), (PatternPort("out", 0),)
    )
    matches = match_scopes(two_towers(), wanted)
    assert [match.scope for match in matches] == ["left/tower/", "right/tower/"]
    assert matches[1].single_input_node(0)[0].name == "right/tower/in"


def test_a_pattern_that_fits_twice_is_an_error() -> None:
    wanted = ScopeReplacement("X", {}, "here", ("left/",), ((PatternPort("tower/.*", 0),),))
    with pytest.raises(InputError, match="has to fit one node") as caught:
        match_scopes(two_towers(), wanted)
    assert caught.value.got == "left/tower/in, left/tower/out"


def test_a_pattern_fits_the_whole_name_behind_the_scope() -> None:
    wanted = ScopeReplacement("X", {}, "here", ("left/",), ((PatternPort("in", 0),),))
    with pytest.raises(InputError, match="has to fit one node"):
        match_scopes(two_towers(), wanted)


def test_a_scope_or_a_port_that_is_not_there() -> None:
    with pytest.raises(InputError, match="No scope") as caught:
        match_scopes(two_towers(), ScopeReplacement("X", {}, "here", ("middle/",)))
    assert "left/" in str(caught.value)
    wanted = ScopeReplacement("X", {}, "here", ("left/",), ((PatternPort("tower/in", 3),),))
    with pytest.raises(InputError, match="no such input port"):
        match_scopes(two_towers(), wanted)


def test_an_output_that_freezing_removed_is_none() -> None:
    wanted = ScopeReplacement(
        "X", {}, "here", ("left/",), (), (PatternPort("tower/out", 0), PatternPort("tower/gone", 0))
    )
    (match,) = match_scopes(two_towers(), wanted)
    assert match.outputs[1] is None
    with pytest.raises(InputError, match="lacks an output"):
        match.output_node(1)
    with pytest.raises(InputError, match="No output"):
        match_scopes(two_towers(), dataclasses.replace(wanted, outputs=(PatternPort("gone", 0),)))


@pytest.mark.parametrize("name", LAYOUTS)
def test_auto_picks_by_the_names_in_the_graph(name: str) -> None:
    selected = select_configuration(tiny_ssd(LAYOUTS[name]))
    assert selected.configuration.name == name
    assert "all its" in selected.reason


def test_auto_on_the_real_graph(shapes_graph: Path) -> None:
    assert select_configuration(read_graph(shapes_graph)).configuration.name == "ssd_support_cast_1.json"


def test_when_none_fits_each_configuration_says_why(tiny: Graph) -> None:
    tiny.redirect(Output("Postprocessor/Cast_1"), Output("Cast"))
    tiny.remove(["Postprocessor/Cast_1"])
    with pytest.raises(InputError, match="No configuration fits") as caught:
        select_configuration(tiny)
    text = str(caught.value)
    assert all(path.name in text for path in shipped_configurations())
    assert "expected Postprocessor/ToFloat" in text
    assert "Postprocessor/scale_logits" in text


def test_a_start_point_inside_the_part_does_not_fit() -> None:
    graph = tiny_ssd(LAYOUTS["legacy_ssd_support.json"])
    graph.add("Cast", "Postprocessor/ToFloat", [Output("detection_boxes")])
    with pytest.raises(InputError, match="inside the matched part"):
        match_points(graph, points("ssd_v2_support.json"))
    assert select_configuration(graph).configuration.name == "legacy_ssd_support.json"
