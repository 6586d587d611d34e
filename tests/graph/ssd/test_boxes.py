"""What is read about the box coder, by the structure of the graph."""

from __future__ import annotations

from ckssd.graph.configuration import SHIPPED, read_configuration
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Output
from ckssd.graph.points import match_points
from ckssd.graph.ssd.boxes import read_scales
from tests.graph.tiny_ssd import Layout, tiny_ssd


def match(graph: Graph) -> SubgraphMatch:
    return match_points(graph, read_configuration(SHIPPED / "ssd_support_cast_1.json").points[0])


def test_the_box_coders_scales() -> None:
    graph = tiny_ssd(Layout(scales=(4.0, 8.0, 2.0, 3.0)))
    scales = read_scales(graph, match(graph), match(graph).input_nodes(0)[0])
    assert (scales.y, scales.x, scales.height, scales.width) == (4.0, 8.0, 2.0, 3.0)


def test_encodings_without_scales() -> None:
    graph = tiny_ssd()
    for port in range(4):
        name = "Postprocessor/Decode/truediv" + (f"_{port}" if port else "")
        graph.redirect(Output(name), Output("Postprocessor/Decode/unstack", port))
        graph.remove([name])
    scales = read_scales(graph, match(graph), match(graph).input_nodes(0)[0])
    assert (scales.y, scales.x, scales.height, scales.width) == (1, 1, 1, 1)
