"""How a graph turns class predictions into scores: activation, scale, and where the background is cut off."""

from __future__ import annotations

from dataclasses import dataclass

from ckssd.errors import InputError
from ckssd.graph.graph import Graph
from ckssd.graph.match import Port, SubgraphMatch
from ckssd.graph.node import Node

ACTIVATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax"}
_SCALING = ("RealDiv", "Div", "Mul")
_NEUTRAL = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Const", "Pack")
# Beyond these nothing is computed with a score any more, or only with its shape.
_ENDS = ("Shape", "Size", "TensorArrayScatterV3", "TensorArrayV3", "Enter", "Unpack", "ZerosLike")


@dataclass(frozen=True)
class Scores:
    """What happens to class predictions [batch, anchors, classes] until they are scores.

    Attributes
    ----------
    activation
        ``sigmoid``, ``softmax`` or ``none``.
    origin
        The node that says so.
    scale
        What the predictions are multiplied with first (the reciprocal of the graph's logit scale).
    has_background
        Whether class 0 of the predictions is the background.
    softmax_without_background
        Whether the background is cut off before a softmax, as OD API versions before 1.6 did it.
    """

    activation: str
    origin: str
    scale: float
    has_background: bool
    softmax_without_background: bool


def read_scores(graph: Graph, match: SubgraphMatch, predictions: Port) -> Scores:
    """Follow the class predictions through the matched part.

    Parameters
    ----------
    predictions
        The node and input port at which they enter the part.

    Raises
    ------
    InputError
        If the graph does something else with them than scaling, slicing and one activation.
    """
    path = _path(graph, match, predictions[0])
    activations = [node for node in path if node.op in ACTIVATIONS]
    if len({node.op for node in activations}) > 1:
        names = ", ".join(f"{node.name} ({node.op})" for node in activations)
        raise InputError("The scores have two activations", where=graph.source, expected="one", got=names)
    slices = [node for node in path if node.op in ("Slice", "StridedSlice")]
    before = path
    if activations:
        earlier = graph.ancestors([activations[0].name]) - {activations[0].name}
        before = [node for node in path if node.name in earlier]
    scale = 1.0
    for node in before:
        scale *= _factor(graph, node)
    for node in slices:
        _check_slice(graph, node)
    activation = ACTIVATIONS[activations[0].op] if activations else "none"
    return Scores(
        activation,
        f"node {activations[0].name}" if activations else "no activation in the matched part",
        scale,
        has_background=bool(slices),
        softmax_without_background=activation == "softmax" and any(node in before for node in slices),
    )


def _path(graph: Graph, match: SubgraphMatch, start: Node) -> list[Node]:
    """The nodes that compute with the predictions, up to where they are only stored, in order."""
    found, queue = {start.name: start}, [start]
    while queue:
        node = queue.pop(0)
        if node.op in _ENDS:
            continue
        for name in graph.reader_names(node.name):
            reader = match.nodes.get(name)
            if reader is None or reader.op in _ENDS or reader.op.startswith("NonMaxSuppression"):
                continue
            if name not in found:
                found[name] = reader
                queue.append(reader)
    return list(found.values())


def _factor(graph: Graph, node: Node) -> float:
    """What a node on the path multiplies with; 1 for those that only pass on."""
    if node.op in _SCALING:
        constants = [graph.node(tensor.node).constant() for tensor in node.inputs if tensor is not None]
        values = [float(value.reshape(-1)[0]) for value in constants if value is not None and value.size == 1]
        if len(values) == 1 and values[0] > 0:
            return values[0] if node.op == "Mul" else 1 / values[0]
    elif node.op in (*_NEUTRAL, "Slice", "StridedSlice"):
        return 1.0
    raise InputError(
        "This step between class predictions and scores has no counterpart outside TensorFlow",
        where=f"{graph.source}, node {node.name}",
        expected="a scale by a constant, a slice, sigmoid or softmax",
        got=node.op,
    )


def _check_slice(graph: Graph, node: Node) -> None:
    """The slice has to cut off class 0 and nothing else."""
    begin = graph.node(node.inputs[1].node).constant() if len(node.inputs) > 1 and node.inputs[1] else None
    if begin is None or begin.tolist() != [0, 0, 1]:
        raise InputError(
            "The scores are sliced in an unknown way",
            where=f"{graph.source}, node {node.name}",
            expected="begin [0, 0, 1]: the background class cut off",
            got=None if begin is None else begin.tolist(),
        )
