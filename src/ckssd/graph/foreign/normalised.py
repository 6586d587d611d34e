"""Puts the arithmetic with pixel values behind the resizing loop, where exporters before 2021 had it.

The Object Detection API of 2022 normalises an image before it resizes it. Resizing is linear, so that the
order makes no difference but to what an image is padded with: that becomes the grey level of the same value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output
from ckssd.graph.pixels import PADS, pixel_value

SCOPE, LOOP = "Preprocessor/", "Preprocessor/map/"
IMAGES = f"{LOOP}TensorArrayStack/TensorArrayGatherV3"
_ARITHMETIC = ("Mul", "Sub", "Add", "AddV2", "RealDiv", "Div")
_GREY_LEVELS = 255.0


def normalise_last(graph: Graph) -> bool:
    """Edit a graph that normalises before its loop; return whether it does."""
    images = [node for node in graph if node.name.startswith(LOOP) and node.op == "TensorArrayScatterV3"]
    entered = images[0].inputs[2] if len(images) == 1 and len(images[0].inputs) > 2 else None
    if entered is None or IMAGES not in graph:
        return False
    chain = list(_chain(graph, graph.node(entered.node)))
    if not chain:
        return False
    last, (first, port) = chain[0][0], chain[-1]
    source = first.inputs[port]
    if source is None:
        return False
    _pad_with_grey_levels(graph, chain)
    for reader, index in list(graph.readers(Output(last.name))):
        if reader.name.startswith(LOOP):
            graph.connect(source, reader, index)
    for reader, index in list(graph.readers(Output(IMAGES))):
        graph.connect(Output(last.name), reader, index)
    graph.connect(Output(IMAGES), first, port)
    return True


def _chain(graph: Graph, node: Node) -> Iterator[tuple[Node, int]]:
    """The nodes that compute with a pixel and a constant, the last one first, and where the image enters."""
    while node.name.startswith(SCOPE) and node.op in _ARITHMETIC:
        ports = [
            port
            for port, tensor in enumerate(node.inputs)
            if tensor is not None and graph.node(tensor.node).op != "Const"
        ]
        if len(ports) != 1:
            return
        yield node, ports[0]
        tensor = node.inputs[ports[0]]
        if tensor is None:
            return
        node = graph.node(tensor.node)


def _pad_with_grey_levels(graph: Graph, chain: list[tuple[Node, int]]) -> None:
    ends = [pixel_value(graph, chain, level) for level in (0.0, _GREY_LEVELS)]
    pads = sorted(
        (node for node in graph if node.name.startswith(LOOP) and node.op in PADS),
        key=lambda node: (len(node.name), node.name),
    )
    if ends[0] is None or ends[1] is None:
        return
    black, white = (np.broadcast_to(end.reshape(-1), 3) for end in ends if end is not None)
    for index, node in enumerate(pads):
        tensor = node.inputs[2] if node.op == "PadV2" else None
        value = graph.node(tensor.node).constant() if tensor else None
        stated = 0.0 if value is None else float(value.reshape(-1)[0])
        channel = index if len(pads) == 3 else 0
        grey = (stated - black[channel]) / (white[channel] - black[channel]) * _GREY_LEVELS
        constant = graph.add_constant(f"{node.name}/grey_level", np.array(round(float(grey), 4), np.float32))
        node.op = "PadV2"
        graph.connect(constant, node, 2)
