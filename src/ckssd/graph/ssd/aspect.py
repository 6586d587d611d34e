"""Whether a Preprocessor keeps an image's aspect ratio, and how: read from its structure, not its names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from ckssd.graph.attributes import Tensor
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node
from ckssd.graph.pixels import PADS, pixel_value
from ckssd.graph.resizer import AspectResizer


def read_aspect(graph: Graph, match: SubgraphMatch) -> AspectResizer | None:
    """The resizer of a Preprocessor that resizes by the smaller of two scales; None for another one.

    The padding's values are those of the graph: grey levels where it pads images, else what it makes of them.
    """
    nodes = list(match.nodes.values())
    if not any(node.op == "Minimum" and _divides(graph, node) for node in nodes):
        return None
    sides = set(_pairs(graph, nodes))
    pads = [node for node in nodes if node.op in PADS]
    larger = {value for node in nodes if node.op == "Sub" for value in _constants(graph, node) if value > 1}
    if pads and len(larger) == 1:
        (most,) = larger
        least = min((side for pair in sides for side in pair), default=most)
        return AspectResizer(least, most, padded=True, pad=_values(graph, pads))
    if len({tuple(sorted(pair)) for pair in sides}) != 1:
        return None
    least, most = sorted(next(iter(sides)))
    return AspectResizer(least, most, padded=bool(pads), pad=_values(graph, pads))


def pad_in_grey_levels(
    graph: Graph, match: SubgraphMatch, aspect: AspectResizer, arithmetic: Sequence[tuple[Node, int]]
) -> AspectResizer:
    """The same with the padding as grey levels, where the block pads what its arithmetic made of them.

    The sources of July 2020 and before pad first, those of 2022 normalise first.
    """
    if not aspect.padded or not arithmetic or match.output_node(0)[0] is arithmetic[0][0]:
        return aspect
    ends = [pixel_value(graph, arithmetic, level) for level in (0.0, 255.0)]
    if ends[0] is None or ends[1] is None:
        return aspect
    black, white = (np.broadcast_to(end.reshape(-1), 3).astype(np.float64) for end in ends if end is not None)
    red, green, blue = ((np.array(aspect.pad) - black) / (white - black) * 255).round(4).tolist()
    return dataclasses.replace(aspect, pad=(red, green, blue))


def _divides(graph: Graph, node: Node) -> bool:
    """Whether both inputs are quotients."""
    return len(node.inputs) == 2 and all(
        tensor is not None and graph.node(tensor.node).op in ("RealDiv", "Div") for tensor in node.inputs
    )


def _pairs(graph: Graph, nodes: list[Node]) -> Iterator[tuple[int, int]]:
    """Constants of height and width that sizes are taken from."""
    for node in nodes:
        value = _constant(graph, node, 0) if node.op == "StridedSlice" else None
        if value is not None and value.shape == (2,) and value.dtype.kind == "i" and value.min() > 0:
            yield int(value[0]), int(value[1])


def _constants(graph: Graph, node: Node) -> Iterator[int]:
    value = _constant(graph, node, 0)
    if value is not None and value.size == 1 and value.dtype.kind == "i":
        yield int(value.reshape(-1)[0])


def _values(graph: Graph, pads: list[Node]) -> tuple[float, float, float]:
    """What the three channels are padded with; Pad pads with 0."""
    found = []
    for node in sorted(pads, key=lambda each: (len(each.name), each.name)):
        value = _constant(graph, node, 2) if node.op == "PadV2" else None
        found.append(0.0 if value is None else float(value.reshape(-1)[0]))
    if len(found) == 3:
        return found[0], found[1], found[2]
    first = found[0] if found else 0.0
    return first, first, first


def _constant(graph: Graph, node: Node, port: int) -> Tensor | None:
    tensor = node.inputs[port] if port < len(node.inputs) else None
    return graph.node(tensor.node).constant() if tensor else None
