"""The box coder's scales and the limits of non-maximum suppression, read from a matched part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


@dataclass(frozen=True)
class Suppression:
    """Thresholds and limits of non-maximum suppression; None for what the graph does not tell.

    ``class_agnostic``: boxes of all classes suppress each other.
    """

    score_threshold: float | None
    iou_threshold: float | None
    per_class: int | None
    total: int | None
    origin: str
    class_agnostic: bool = False


def read_suppression(
    graph: Graph, match: SubgraphMatch, able: str = "DetectionOutput", advice: str | None = None
) -> Suppression:
    """Read the constants that feed the part's NonMaxSuppression nodes.

    Parameters
    ----------
    able, advice
        For the error: what is to suppress in their place, and what to do where it cannot.

    Raises
    ------
    InputError
        If the graph uses soft NMS: neither DetectionOutput nor TFLite's operation can do it.
    """
    nodes = list(match.nodes.values())
    nms = [node for node in nodes if node.op.startswith("NonMaxSuppression")]
    if _agreed(_scalars(graph, nms, 5)) not in (None, 0.0):
        raise InputError(
            f"The graph uses soft NMS, which {able} cannot do",
            where=f"{graph.source}, node {nms[0].name}",
            expected="soft_nms_sigma 0",
            advice=advice,
        )
    threshold = _agreed(_scalars(graph, nms, 4))
    if threshold is None or not np.isfinite(threshold):
        threshold = _agreed(_constants(graph, nodes, lambda node: node.op == "Greater"))
    limits = {tensor.node for node in nms if len(node.inputs) > 2 and (tensor := node.inputs[2])}
    per_class = _agreed(_constants(graph, nodes, lambda node: node.name in limits))
    total = _agreed(_constants(graph, nodes, lambda node: node.op == "Minimum" and node.name not in limits))
    return Suppression(
        score_threshold=threshold,
        iou_threshold=_agreed(_scalars(graph, nms, 3)),
        per_class=None if per_class is None else int(per_class),
        total=None if total is None else int(total),
        origin=f"graph, {nms[0].name.rpartition('/')[2]} nodes" if nms else "graph",
        # core/post_processing.py: the best class of each box, before any is suppressed
        class_agnostic=any(node.op == "ArgMax" for node in nodes),
    )


def _scalars(graph: Graph, nodes: Iterable[Node], port: int) -> list[float]:
    """The constants that one input port of these nodes reads."""
    found = []
    for node in nodes:
        tensor = node.inputs[port] if port < len(node.inputs) else None
        value = graph.node(tensor.node).constant() if tensor else None
        if value is not None and value.size == 1:
            found.append(float(value.reshape(-1)[0]))
    return found


def _constants(graph: Graph, nodes: Iterable[Node], picked: Callable[[Node], bool]) -> list[float]:
    """The scalar constants that the picked nodes read at any port."""
    chosen = [node for node in nodes if picked(node)]
    return [value for port in (0, 1) for value in _scalars(graph, chosen, port)]


def _agreed(values: list[float]) -> float | None:
    """The value if all are equal."""
    return exact(values[0]) if len(set(values)) == 1 else None


def exact(value: float) -> float:
    """Return the shortest decimal number that is this float32: 0.6, not 0.6000000238."""
    return float(str(np.float32(value)))
