"""The thresholds and limits of non-maximum suppression, read from a matched part.

The Object Detection API builds NMS in four ways: NonMaxSuppression operations, one for each class; one
CombinedNonMaxSuppression; a function for each class, ``non_max_suppression_padded``; and, in the API's own
code, loops over tiles of boxes (core/post_processing.py, partitioned_non_max_suppression_padded). The last
two come of ``use_static_shapes``. All keep the same boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ckssd.errors import InputError
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node, Output
from ckssd.graph.ssd.boxes import exact

COMBINED = "CombinedNonMaxSuppression"
_FUNCTION = "non_max_suppression_padded"
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


@dataclass(frozen=True)
class Suppression:
    """Thresholds and limits of non-maximum suppression; None for what the graph does not tell.

    ``per_class``, ``total``: detections kept. ``class_agnostic``: boxes of all classes suppress each other,
    each with its best class. ``soft_sigma``: of soft NMS, which lowers scores; 0: boxes go (hard NMS).
    ``drops_empty``: boxes without an area inside the image are dropped before the best ``total`` are taken.
    """

    score_threshold: float | None
    iou_threshold: float | None
    per_class: int | None
    total: int | None
    origin: str
    class_agnostic: bool = False
    soft_sigma: float = 0.0
    drops_empty: bool = True
    node: str = ""


def read_suppression(graph: Graph, match: SubgraphMatch) -> Suppression:
    """Read the constants that feed the part's NMS, in whichever way it is built."""
    nodes = list(match.nodes.values())
    combined = [node for node in nodes if node.op == COMBINED]
    if combined:
        return _of_combined(graph, combined)
    nms = [node for node in nodes if node.op.startswith("NonMaxSuppression")]
    calls = [node for node in nodes if node.op in _CALLS and _FUNCTION in node.name]
    if nms:
        found = _of_operations(graph, nodes, nms)
    elif calls:
        found = _of_calls(graph, nodes, calls)
    else:
        found = _of_tiles(graph, nodes)
    return found


def refuse_soft(found: Suppression, source: str, able: str, advice: str | None = None) -> None:
    """Raise InputError for soft NMS, which what is named ``able`` cannot do."""
    if found.soft_sigma:
        raise InputError(
            f"The graph uses soft NMS, which {able} cannot do",
            where=f"{source}, node {found.node}",
            expected="soft_nms_sigma 0",
            got=f"{found.soft_sigma:g}",
            advice=advice,
        )


def _of_operations(graph: Graph, nodes: Sequence[Node], nms: Sequence[Node]) -> Suppression:
    """NonMaxSuppression, to NonMaxSuppressionV5, whose limit is a constant or a Minimum with one."""
    threshold = _agreed(_scalars(graph, nms, 4))
    if threshold is None or not np.isfinite(threshold):
        threshold = _agreed(_constants(graph, nodes, lambda node: node.op == "Greater"))
    limits = {tensor.node for node in nms if len(node.inputs) > 2 and (tensor := node.inputs[2])}
    per_class = _scalars(graph, nms, 2) or _constants(graph, nodes, lambda node: node.name in limits)
    return Suppression(
        score_threshold=threshold,
        iou_threshold=_agreed(_scalars(graph, nms, 3)),
        per_class=_whole(per_class),
        total=_total(graph, nodes, limits),
        origin=f"graph, {nms[0].name.rpartition('/')[2]} nodes",
        class_agnostic=_takes_best_class(graph, nodes, nms, 1),
        soft_sigma=_agreed(_scalars(graph, nms, 5)) or 0.0,
        node=nms[0].name,
    )


def _of_combined(graph: Graph, nms: Sequence[Node]) -> Suppression:
    """Inputs: boxes, scores, limit for a class, limit in all, IoU threshold, score threshold."""
    per_class, total, iou, score = (_agreed(_scalars(graph, nms, port)) for port in (2, 3, 4, 5))
    return Suppression(
        score_threshold=score,
        iou_threshold=iou,
        per_class=None if per_class is None else int(per_class),
        total=None if total is None else int(total),
        origin=f"graph, node {nms[0].name}",
        drops_empty=False,
        node=nms[0].name,
    )


def _of_calls(graph: Graph, nodes: Sequence[Node], calls: Sequence[Node]) -> Suppression:
    """Inputs of tf.image.non_max_suppression_padded: boxes, scores, limit, IoU threshold, score threshold."""
    return Suppression(
        score_threshold=_agreed(_scalars(graph, calls, 4)),
        iou_threshold=_agreed(_scalars(graph, calls, 3)),
        per_class=_whole(_scalars(graph, calls, 2)),
        total=_total(graph, nodes, ()),
        origin=f"graph, calls of {_FUNCTION}",
        class_agnostic=_takes_best_class(graph, nodes, calls, 1),
        node=calls[0].name,
    )


def _of_tiles(graph: Graph, nodes: Sequence[Node]) -> Suppression:
    """Loops over tiles: the IoU threshold enters them, and they end at the limit.

    The score threshold masks boxes (Greater, Cast, ExpandDims). Without such loops nothing is known but
    what an older graph filters by.
    """
    loops = [node for node in nodes if node.op == "Less" and _reads(graph, node, "Min")]
    if not loops:
        threshold = _agreed(_constants(graph, nodes, lambda node: node.op == "Greater"))
        return Suppression(threshold, None, None, _total(graph, nodes, ()), "graph")
    sorting = [node for node in nodes if node.op == "TopKV2"]
    masks = [node for node in nodes if node.op == "Greater" and _leads_to(graph, node, "Cast", "ExpandDims")]
    entering = [
        float(value.reshape(-1)[0])
        for node in nodes
        if node.op == "Enter" and (tensor := node.inputs[0])
        if (value := graph.node(tensor.node).constant()) is not None and value.dtype == np.float32
        if value.size == 1
    ]
    return Suppression(
        score_threshold=_agreed(_scalars(graph, masks, 1)),
        iou_threshold=_agreed(entering),
        per_class=_whole(_scalars(graph, loops, 1)),
        total=_total(graph, nodes, ()),
        origin="graph, loops over tiles of boxes",
        class_agnostic=_takes_best_class(graph, nodes, sorting, 0),
        node=loops[0].name,
    )


def _reads(graph: Graph, node: Node, op: str, port: int = 0) -> bool:
    tensor = node.inputs[port] if port < len(node.inputs) else None
    return tensor is not None and graph.node(tensor.node).op == op


def _leads_to(graph: Graph, node: Node, *ops: str) -> bool:
    """Whether readers of these operations follow each other behind a node."""
    if not ops:
        return True
    readers = [reader for reader, _ in graph.readers(Output(node.name)) if reader.op == ops[0]]
    return any(_leads_to(graph, reader, *ops[1:]) for reader in readers)


def _takes_best_class(graph: Graph, nodes: Iterable[Node], scored: Iterable[Node], port: int) -> bool:
    """Whether each box has its best class before any is suppressed (core/post_processing.py).

    Then what is ``scored`` reads a maximum at this port; the ArgMax is only there if the classes are an
    output.
    """
    return any(node.op == "ArgMax" for node in nodes) or any(
        _reads(graph, node, "Max", port) for node in scored
    )


def _total(graph: Graph, nodes: Iterable[Node], limits: Iterable[str]) -> int | None:
    known = set(limits)
    return _whole(_constants(graph, nodes, lambda node: node.op == "Minimum" and node.name not in known))


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


def _whole(values: list[float]) -> int | None:
    agreed = _agreed(values)
    return None if agreed is None else int(agreed)


def _agreed(values: list[float]) -> float | None:
    """The value if all are equal."""
    return exact(values[0]) if len(set(values)) == 1 else None
