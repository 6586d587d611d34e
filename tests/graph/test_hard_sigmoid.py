"""A hard sigmoid's sixth stays what the graph says, although OpenVINO has an operation for a nearby one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest

from ckssd.graph.emission.hard_sigmoid import SIXTH, keep_sixths
from ckssd.graph.graph import Graph
from ckssd.graph.node import Output
from tests.graph.test_mo import converted, network, pixels, run
from tests.graph.tiny_ssd import FLOATS, tiny_ssd

LIMITS = {"confidence_threshold": 0.0, "nms_threshold": 1.0, "keep_top_k": 100}
GATE = np.float32(0.16667)  # of the Object Detection API's MobileNet v3


def gated(sixth: float, *, first: bool = False) -> Graph:
    """The tiny SSD whose class predictions go through relu6(x + 3) * sixth."""
    graph = tiny_ssd()
    three, factor = (
        graph.add_constant(name, np.array(value, np.float32)) for name, value in (("3", 3), ("6th", sixth))
    )
    moved = graph.add("AddV2", "gate/add", [None, three], FLOATS)
    capped = graph.add("Relu6", "gate/Relu6", [moved], FLOATS)
    gate = graph.add("Mul", "gate/mul", [factor, capped] if first else [capped, factor], FLOATS)
    graph.redirect(Output("concat_1"), Output(gate.name))
    graph.connect(Output("concat_1"), moved, 0)
    return graph


@pytest.mark.parametrize("first", [False, True])
def test_the_ir_computes_the_gate_that_the_graph_has(first: bool, tmp_path: Path) -> None:
    graph = gated(float(GATE), first=first)
    _, predictions = network(graph, pixels()[0])
    gate = np.clip(predictions[:, 1:].astype(np.float64) + 3, 0, 6) * float(GATE)
    done = converted(graph, tmp_path, overrides=LIMITS)
    scores = np.sort(run(done, pixels())[:, 2])
    np.testing.assert_allclose(scores, np.sort(1 / (1 + np.exp(-gate.reshape(-1)))), rtol=5e-7)
    types = [each.get_type_name() for each in openvino.Core().read_model(done.data["xml"]).get_ops()]
    assert "HSigmoid" in types  # it is still the fast operation


@pytest.mark.parametrize("sixth", [float(SIXTH), 0.1669, 0.25])
def test_other_products_are_left_alone(sixth: float) -> None:
    graph = gated(sixth)
    count = len(graph)
    assert keep_sixths(graph) == []
    assert len(graph) == count
