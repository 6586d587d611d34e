"""Keeps the sixth of a hard sigmoid as the graph has it.

OpenVINO takes relu6(x + 3) * c for its HSigmoid, which divides by 6, wherever c is within 1e-4 of 1/6. The
gates of the Object Detection API's MobileNet v3 have c = 0.16667. The two parts in 100,000 between them,
eight gates deep, moved scores by up to 0.009. So c becomes 1/6, which is fused, times what is left of it.
"""

from __future__ import annotations

import numpy as np

from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output

SIXTH = np.float32(1 / 6)
# What OpenVINO 2026.4 takes for a sixth (HSigmoidFusion, HSwishFusion), and a little more.
NEAR = 1.1e-4


def keep_sixths(graph: Graph) -> list[str]:
    """Split products with a constant near 1/6; return the names of those split."""
    split = []
    for node in list(graph):
        port = _near_sixth(graph, node)
        if port is None:
            continue
        constant = graph.node(_source(node, port)).constant()
        sixth = graph.add_constant(f"{node.name}/sixth", np.full_like(constant, SIXTH))
        # In double precision, so that the product is c again but for one rounding.
        rest = np.array(np.asarray(constant, np.float64) / float(SIXTH), np.float32)
        whole = graph.add("Mul", f"{node.name}/rest", [None, graph.add_constant(f"{node.name}/by", rest)])
        for name, raw in node.raw_attributes.items():
            whole.raw_attributes[name] = raw
        graph.connect(sixth, node, port)
        graph.redirect(Output(node.name), Output(whole.name))
        graph.connect(node, whole, 0)
        split.append(node.name)
    return split


def _source(node: Node, port: int) -> str:
    tensor = node.inputs[port]
    return "" if tensor is None else tensor.node


def _near_sixth(graph: Graph, node: Node) -> int | None:
    """The port of a product that reads one number near 1/6, but not 1/6 itself."""
    if node.op != "Mul":
        return None
    for port in range(len(node.inputs)):
        value = graph.node(_source(node, port)).constant()
        if value is None or value.dtype != np.float32 or value.size != 1:
            continue
        number = value.reshape(-1)[0]
        if number != SIXTH and abs(float(number) - 1 / 6) <= NEAR:
            return port
    return None
