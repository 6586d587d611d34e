"""What is read about non-maximum suppression, by the structure of the graph, in every release's form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ckssd.errors import InputError
from ckssd.graph.configuration import SHIPPED, read_configuration
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Output
from ckssd.graph.points import match_points
from ckssd.graph.ssd.boxes import Suppression, read_scales, read_suppression
from tests.graph.tiny_ssd import CLASSES, Layout, tiny_ssd

SCOPE = "Postprocessor/BatchMultiClassNonMaxSuppression"
NMS = [f"{SCOPE}/nms_{number}/NonMaxSuppressionV3" for number in range(1, CLASSES)]


def match(graph: Graph) -> SubgraphMatch:
    return match_points(graph, read_configuration(SHIPPED / "ssd_support_cast_1.json").points[0])


def suppression(graph: Graph) -> Suppression:
    return read_suppression(graph, match(graph))


def test_thresholds_and_limits() -> None:
    layout = Layout(nms={"iou": 0.45, "score": 0.3, "per_class": 50, "total": 80})
    found = suppression(tiny_ssd(layout))
    assert dataclasses.astuple(found)[:4] == (0.3, 0.45, 50, 80)


def test_the_oldest_form_compares_scores_in_a_node_of_its_own(tiny: Graph) -> None:
    for name in NMS:
        node = tiny.node(name)
        node.op, node.inputs = "NonMaxSuppressionV2", node.inputs[:4]
    threshold = tiny.add_constant("Postprocessor/FilterGreaterThan/y", np.array(0.2, np.float32))
    greater = tiny.add("Greater", "Postprocessor/FilterGreaterThan", [Output(NMS[0]), threshold])
    tiny.connect(greater, tiny.node("detection_scores"))
    assert suppression(tiny).score_threshold == 0.2


def test_classes_that_disagree_tell_nothing(tiny: Graph) -> None:
    other = tiny.add_constant("Postprocessor/other", np.array(0.9, np.float32))
    tiny.connect(other, tiny.node(NMS[0]), 3)
    assert suppression(tiny).iou_threshold is None


def test_soft_nms_is_refused(tiny: Graph) -> None:
    sigma = tiny.add_constant("Postprocessor/sigma", np.array(0.5, np.float32))
    for name in NMS:
        tiny.connect(sigma, tiny.node(name), 5)
    with pytest.raises(InputError, match="soft NMS"):
        suppression(tiny)


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
