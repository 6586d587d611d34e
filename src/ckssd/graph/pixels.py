"""What becomes of a pixel's value in a Preprocessor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ckssd.graph.attributes import Tensor
from ckssd.graph.evaluate import evaluate
from ckssd.graph.graph import Graph
from ckssd.graph.node import Node

PADS = ("Pad", "PadV2")


def pixel_value(graph: Graph, arithmetic: Sequence[tuple[Node, int]], value: float) -> Tensor | None:
    """What becomes of a pixel of this value; None if that cannot be said.

    ``arithmetic``: see ckssd.graph.ssd.preprocessor.pixel_arithmetic.
    """
    result: Tensor = np.array(value, np.float32)
    for node, port in reversed(arithmetic):
        inputs: list[Tensor | None] = [
            result if index == port else graph.node(tensor.node).constant() if tensor else None
            for index, tensor in enumerate(node.inputs)
        ]
        found = evaluate(node, [each for each in inputs if each is not None])
        if found is None or any(each is None for each in inputs):
            return None
        result = found[0]
    return result
