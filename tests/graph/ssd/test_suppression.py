"""What is read about non-maximum suppression, by the structure of the graph, in every release's form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType
from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output
from ckssd.graph.ssd.suppression import COMBINED, Suppression, read_suppression, refuse_soft
from tests.graph.ssd.test_boxes import match
from tests.graph.tiny_ssd import CLASSES, FLOATS, Layout, tiny_ssd

SCOPE = "Postprocessor/BatchMultiClassNonMaxSuppression"
NMS = [f"{SCOPE}/nms_{number}/NonMaxSuppressionV3" for number in range(1, CLASSES)]


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


def test_soft_nms_has_a_sigma(tiny: Graph) -> None:
    sigma = constant(tiny, "sigma", 0.5)
    for name in NMS:
        tiny.connect(sigma, tiny.node(name), 5)
    found = suppression(tiny)
    assert found.soft_sigma == 0.5
    with pytest.raises(InputError, match=r"uses soft NMS, which a thing cannot do.*got 0\.5"):
        refuse_soft(found, "a graph", "a thing")


def test_a_limit_that_is_a_constant_itself(tiny: Graph) -> None:
    limit = constant(tiny, "limit", 7, np.int32)
    for name in NMS:
        node = tiny.node(name)
        node.op = "NonMaxSuppressionV4"
        tiny.connect(limit, node, 2)
    assert (suppression(tiny).per_class, suppression(tiny).total) == (7, 100)


def test_one_nms_for_all_classes_is_told_by_its_scores(tiny: Graph) -> None:
    """The ArgMax of the classes is cut off with their output."""
    best = tiny.add("Max", "Postprocessor/Max", [Output("Postprocessor/Slice")], FLOATS)
    assert not suppression(tiny).class_agnostic
    tiny.connect(best, tiny.node(NMS[0]), 1)
    assert suppression(tiny).class_agnostic


def constant(graph: Graph, name: str, value: float, dtype: type = np.float32) -> Node:
    return graph.add_constant(f"Postprocessor/{name}", np.array(value, dtype))


def instead_of_nms(graph: Graph, name: str, op: str) -> Node:
    """Take the NMS nodes out; return one of this name that reads what the first of them read."""
    first = graph.node(NMS[0])
    node = graph.add(op, f"{SCOPE}/{name}", first.inputs[:2])
    for each in NMS:
        graph.redirect(Output(each), Output(node.name))
    graph.remove(NMS)
    return node


def test_combined_nms_has_all_in_one_node(tiny: Graph) -> None:
    node = instead_of_nms(tiny, "Combined", COMBINED)
    values = {2: (7, np.int32), 3: (30, np.int32), 4: (0.25, np.float32), 5: (0.125, np.float32)}
    for port, (value, dtype) in values.items():
        tiny.connect(constant(tiny, f"of_{port}", value, dtype), node, port)
    found = suppression(tiny)
    assert dataclasses.astuple(found)[:4] == (0.125, 0.25, 7, 30)
    assert not found.drops_empty


def test_static_shapes_call_a_function_of_tensorflow_2(tiny: Graph) -> None:
    node = instead_of_nms(tiny, "non_max_suppression_padded/PartitionedCall", "PartitionedCall")
    for port, (value, dtype) in {2: (7, np.int32), 3: (0.25, np.float32), 4: (0.125, np.float32)}.items():
        tiny.connect(constant(tiny, f"of_{port}", value, dtype), node, port)
    assert dataclasses.astuple(suppression(tiny))[:4] == (0.125, 0.25, 7, 100)


def test_static_shapes_in_the_apis_own_code_are_loops_over_tiles(tiny: Graph) -> None:
    """The IoU threshold enters the loop, the limit ends it, the score threshold masks boxes."""
    node = instead_of_nms(tiny, "Min", "Min")
    tiny.add("Enter", f"{SCOPE}/while/Enter_1", [constant(tiny, "iou", 0.25)], FLOATS)
    tiny.add("Less", f"{SCOPE}/while/Less", [node, constant(tiny, "limit", 7, np.int32)])
    mask = tiny.add(
        "Greater", f"{SCOPE}/Greater", [Output("Postprocessor/Slice"), constant(tiny, "score", 0.125)]
    )
    cast = tiny.add("Cast", f"{SCOPE}/Cast", [mask], {"SrcT": DataType.BOOL, "DstT": DataType.FLOAT})
    expanded = tiny.add("ExpandDims", f"{SCOPE}/ExpandDims", [cast])
    other = tiny.add("Greater", f"{SCOPE}/Greater_1", [node, constant(tiny, "zero", 0.0)])
    for port, each in enumerate(
        (f"{SCOPE}/while/Enter_1", f"{SCOPE}/while/Less", expanded.name, other.name), 3
    ):
        tiny.connect(Output(each), tiny.node("detection_boxes"), port)
    assert dataclasses.astuple(suppression(tiny))[:4] == (0.125, 0.25, 7, 100)
