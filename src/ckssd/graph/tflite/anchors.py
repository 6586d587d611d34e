"""The anchors that a frozen graph computes, as the constant that TFLite's operation takes."""

from __future__ import annotations

import numpy as np

from ckssd.errors import InputError
from ckssd.graph.attributes import Tensor
from ckssd.graph.folding import Known
from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output


def read_anchors(graph: Graph, known: Known, tensor: Output) -> Tensor:
    """Return the anchors, float32 [P, 4]: ymin, xmin, ymax, xmax as fractions of the image.

    Raises
    ------
    InputError
        If they follow from something else than constants and shapes; names the first node that does.
    """
    anchors = known.values.get(tensor)
    if anchors is None:
        first = _unknown(graph, known, tensor)
        raise InputError(
            "The anchors do not follow from the graph's constants",
            where=f"{graph.source}, node {first.name}",
            expected="anchors for one image size, as fixed_shape_resizer gives them",
            got=first.op,
        )
    if anchors.dtype != np.float32 or anchors.ndim != 2 or anchors.shape[1] != 4 or not anchors.size:
        raise InputError(
            "The anchors have another form",
            where=f"{graph.source}, node {tensor.node}",
            expected="float32 [P, 4]",
            got=f"{anchors.dtype} {list(anchors.shape)}",
        )
    if not np.isfinite(anchors).all():
        raise InputError("The anchors are no numbers", where=f"{graph.source}, node {tensor.node}")
    return anchors


def _unknown(graph: Graph, known: Known, tensor: Output) -> Node:
    """The first node that cannot be computed, although all that it reads can."""
    seen: set[Output] = set()
    while tensor not in seen:
        seen.add(tensor)
        inputs = graph.node(tensor.node).inputs
        tensor = next((each for each in inputs if each and each not in known.values), tensor)
    return graph.node(tensor.node)


def center_coded(corners: Tensor) -> Tensor:
    """Return anchors as ycenter, xcenter, h, w; rounded as object_detection/core/box_list.py does it."""
    ymin, xmin, ymax, xmax = corners.T
    height, width = ymax - ymin, xmax - xmin
    half = np.float32(2.0)
    return np.stack([ymin + height / half, xmin + width / half, height, width], axis=1)
