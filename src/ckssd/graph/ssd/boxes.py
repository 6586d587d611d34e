"""The box coder's scales, read from a matched part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ckssd.errors import InputError
from ckssd.graph.graph import Graph
from ckssd.graph.match import Port, SubgraphMatch
from ckssd.graph.node import Node, Output

_PASSING = ("Identity", "Reshape", "Transpose", "Squeeze", "ExpandDims")
_SCALING = ("RealDiv", "Div", "Mul")


@dataclass(frozen=True)
class Scales:
    """Divisors of the box encodings, in TensorFlow's order, and the node they were found behind.

    Object Detection API, box_coders/faster_rcnn_box_coder.py: ty, tx, th, tw are divided by them.
    """

    y: float
    x: float
    height: float
    width: float
    origin: str


def read_scales(graph: Graph, match: SubgraphMatch, encodings: Port) -> Scales:
    """Follow the box encodings [batch, anchors, 4] to where they are taken apart and scaled.

    Raises
    ------
    InputError
        If they are not decoded by the Faster R-CNN box coder.
    """
    tensor = encodings[0].inputs[encodings[1]]
    unpack = _find_unpack(graph, match, tensor) if tensor else None
    if unpack is None:
        raise _other_coder(graph, match.custom_replacement_desc.where, "no node takes them apart into four")
    scales = []
    for port in range(4):
        scale, last = _scale(graph, Output(unpack.name, port))
        exponential = any(reader.op == "Exp" for reader, _ in graph.readers(last))
        if exponential != (port >= 2):
            raise _other_coder(graph, unpack.name, f"part {port} {'has an' if exponential else 'has no'} Exp")
        scales.append(scale)
    return Scales(scales[0], scales[1], scales[2], scales[3], f"box coder behind node {unpack.name}")


def _find_unpack(graph: Graph, match: SubgraphMatch, tensor: Output) -> Node | None:
    queue, seen = [tensor], {tensor}
    while queue:
        for reader, port in graph.readers(queue.pop(0)):
            if reader.name not in match.nodes or port != 0:
                continue
            if reader.op == "Unpack" and reader.attribute("num") == 4:
                return reader
            output = Output(reader.name)
            if reader.op in _PASSING and output not in seen:
                seen.add(output)
                queue.append(output)
    return None


def _scale(graph: Graph, tensor: Output) -> tuple[float, Output]:
    """The divisor of one part of the encodings (1 if there is none), and the tensor behind it."""
    for reader, port in graph.readers(tensor):
        if reader.op in _SCALING and len(reader.inputs) == 2:
            other = reader.inputs[1 - port]
            value = graph.node(other.node).constant() if other else None
            if value is not None and value.size == 1 and float(value.reshape(-1)[0]) > 0:
                number = exact(float(value.reshape(-1)[0]))
                return (1 / number if reader.op == "Mul" else number), Output(reader.name)
    return 1.0, tensor


def _other_coder(graph: Graph, where: str, got: str) -> InputError:
    return InputError(
        "The box encodings are not decoded by the Faster R-CNN box coder",
        where=f"{graph.source}, {where}",
        expected="ty, tx, th, tw, and exp of the last two",
        got=got,
    )


def exact(value: float) -> float:
    """Return the shortest decimal number that is this float32: 0.6, not 0.6000000238."""
    return float(str(np.float32(value)))
