"""Puts ResizeNearestNeighbor in the place of feature pyramids' own way to enlarge a feature map.

The Object Detection API enlarges by a reshape to six dimensions, a product with ones, and a reshape back, as
suits TPUs; its exporter for TFLite swaps that for the plain operation (exporter.rewrite_nn_resize_op), which
computes the same.
"""

from __future__ import annotations

import numpy as np

from ckssd.graph.attributes import DataType
from ckssd.graph.folding import Known
from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output

NAME = "resize_nearest_neighbor"


def replace_upsampling(graph: Graph, known: Known) -> list[str]:
    """Replace every enlargement by whole factors; return the names of the new nodes."""
    added = []
    for product in [node for node in graph if node.op == "Mul" and len(node.inputs) == 2]:
        image = _image(graph, known, product)
        for reader, _ in graph.readers(Output(product.name)) if image else []:
            size = known.shapes.get(Output(reader.name))
            if reader.op == "Reshape" and image and size and _enlarges(known, image, product, size):
                added.append(_resize(graph, image, reader, size[1:3]))
    return added


def _image(graph: Graph, known: Known, product: Node) -> Output | None:
    """The feature map that is reshaped and multiplied with ones; None if that is not what is done."""
    for port in (0, 1):
        reshaped, ones = product.inputs[port], product.inputs[1 - port]
        factor = known.values.get(ones) if ones else None
        if reshaped is None or factor is None or factor.ndim != 6 or not np.all(factor == 1):
            continue
        node = graph.node(reshaped.node)
        if node.op == "Reshape" and node.inputs:
            return node.inputs[0]
    return None


def _enlarges(known: Known, image: Output, product: Node, size: tuple[int, ...]) -> bool:
    """Whether [n, h, w, c] becomes [n, h*a, w*b, c] through [n, h, a, w, b, c]."""
    before, between = known.shapes.get(image), known.shapes.get(Output(product.name))
    if before is None or between is None or (len(before), len(between), len(size)) != (4, 6, 4):
        return False
    count, height, rows, width, columns, channels = between
    return before == (count, height, width, channels) and size == (
        count,
        height * rows,
        width * columns,
        channels,
    )


def _resize(graph: Graph, image: Output, replaced: Node, size: tuple[int, ...]) -> str:
    scope = replaced.name.rpartition("/")[0]
    name = f"{scope}/{NAME}" if scope else NAME
    target = graph.add_constant(f"{name}/size", np.array(size, np.int32))
    types = {"T": DataType.FLOAT, "align_corners": False, "half_pixel_centers": False}
    resized = graph.add("ResizeNearestNeighbor", name, [image, target], types)
    graph.redirect(Output(replaced.name), Output(resized.name))
    return resized.name
