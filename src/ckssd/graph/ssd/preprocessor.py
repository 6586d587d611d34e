"""Takes the Preprocessor block out: images come in the network's size, so nothing is resized any more.

What the block does to pixel values (scaling, mean subtraction) stays in the graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.foreign.loops import IMAGES
from ckssd.graph.graph import INPUT_OPS, Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node, Output
from ckssd.graph.replacement import FrontReplacementFromConfigFileSubGraph, Place, SubGraph
from ckssd.graph.resizer import AspectResizer
from ckssd.graph.settings import Setting
from ckssd.graph.ssd.aspect import pad_in_grey_levels, read_aspect

_ARITHMETIC = ("Mul", "Sub", "Add", "AddV2", "RealDiv", "Div", "Identity")
# What stands before and between them where TensorFlow 2 resizes one image: no pixel's value changes but by
# the resize itself, which is linear and so may come before or behind the arithmetic.
_MOVING = ("Pack", "Unpack", "Squeeze", "ExpandDims", "StridedSlice", "Cast", "ResizeBilinear")
# The resizing loop of TensorFlow 1; images come from it.
_LOOP = "TensorArrayGather"
CHANNELS = 3
LARGEST_SIDE = 16384


class PreprocessorReplacement(FrontReplacementFromConfigFileSubGraph):
    """The seed's replacer: the resizing loop goes, mean subtraction and scaling stay."""

    replacement_id = "PreprocessorReplacement"
    replacement_aliases = ("ObjectDetectionAPIPreprocessorReplacement",)
    _first: tuple[Node, int] | None = None
    _last: Node | None = None

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        """Fix the input: float32, and the size that the block resized to."""
        placeholder = _placeholder(graph, match)
        self.context.tensors["image"] = Output(placeholder.name)
        arithmetic = pixel_arithmetic(graph, match)
        self._first = arithmetic[-1] if arithmetic else None
        self._last = arithmetic[0][0] if arithmetic else None
        for (node, port), (source, _) in itertools.pairwise(arithmetic):
            graph.connect(source, node, port)
        resized_to = image_size(graph, match)
        shape = self._input_shape(resized_to)
        if match.output_node(0)[0].name == IMAGES:
            _check_one_image(graph, shape, resized_to)
        self.context.settings["input_shape"] = shape
        aspect = aspect_resizer(graph, match)
        if aspect is not None:
            self.context.settings["resizer"] = Setting(str(aspect), "graph, Preprocessor")
        if resized_to is not None:
            self.context.settings["native_size"] = Setting(resized_to, "graph, Preprocessor")
        placeholder.set_attribute("dtype", DataType.FLOAT)
        # The graph's anchors are for the size it resized to; emission moves both to another one.
        batch, *size, channels = shape.value
        placeholder.set_attribute("shape", Shape((batch, *(resized_to or size), channels)))
        for reader, _ in graph.readers(Output(placeholder.name)):
            if reader.op == "Cast":
                reader.set_attribute("SrcT", DataType.FLOAT)
        return {"image": placeholder}

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """The first arithmetic node reads what the block read; without one there is nothing to connect."""
        if self._first is None:
            return {}
        reader, port = match.input_nodes(0)[0]
        return {(reader.id, port): (self._first[0].id, self._first[1])}

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """The block's output is that of its last arithmetic node; without arithmetic it is its input."""
        node, port = match.output_node(0)
        if self._last is not None:
            return {} if self._last is node else {(node.id, port): self._last.id}
        tensor = match.input_tensor(0)
        return {(node.id, port): (tensor.node, tensor.port)}

    def nodes_to_remove(self, graph: Graph, match: SubgraphMatch) -> Iterable[str]:
        """Everything but the arithmetic and its constants."""
        kept: set[str] = set()
        if self._last is not None:
            kept = graph.ancestors([self._last.name]) & set(match.nodes)
        return [name for name in match.matched_nodes_names() if name not in kept]

    def _input_shape(self, resized_to: tuple[int, int] | None) -> Setting:
        """Batch, height, width, channels; from the command line, else from where the block resized to."""
        request = self.context.request
        if request.input_shape is not None:
            return Setting(request.input_shape, "command line, --input_shape")
        batch = request.batch or 1
        if request.pipeline and (size := request.pipeline.image_size()):
            return Setting((batch, *size, CHANNELS), "pipeline.config, fixed_shape_resizer")
        if resized_to is None:
            raise InputError(
                "The image size is stated nowhere",
                where="Preprocessor",
                expected="a resize to a constant size",
                advice="state it: --input_shape=[1,300,300,3]",
            )
        return Setting((batch, *resized_to, CHANNELS), "graph, Preprocessor")


def _check_one_image(graph: Graph, shape: Setting, native: tuple[int, int] | None) -> None:
    """TensorFlow 2's exporter writes the batch and all sizes of feature maps into the graph."""
    if native is not None and shape.value != (1, *native, CHANNELS):
        raise InputError(
            "A model of TensorFlow 2 holds its batch and image size as constants",
            where=graph.source,
            expected=f"[1,{native[0]},{native[1]},{CHANNELS}]",
            got=f"{list(shape.value)} ({shape.origin})",
            advice="export it again with that size in pipeline.config",
        )


def _placeholder(graph: Graph, match: SubgraphMatch) -> Node:
    """The image input that the block reads."""
    tensor = match.input_tensor(0)
    node = graph.node(tensor.node)
    if node.op == "Cast" and node.inputs and node.inputs[0]:
        node = graph.node(node.inputs[0].node)
    if node.op not in INPUT_OPS or node.attribute("dtype") == DataType.STRING:
        raise InputError(
            "The graph's input is no image tensor",
            where=f"{graph.source}, node {node.name}",
            expected="a placeholder of pixels, as exported with --input_type image_tensor",
            got=node.op,
        )
    return node


def pixel_arithmetic(graph: Graph, match: SubgraphMatch) -> list[tuple[Node, int]]:
    """Return the nodes that compute with pixel values, the last one first, and where the image enters each.

    Raises
    ------
    InputError
        If one of them reads anything but a constant and the image.
    """
    node, _ = match.output_node(0)
    found: list[tuple[Node, int]] = []
    seen: set[str] = set()
    while node.name in match.nodes and node.name not in seen and not node.op.startswith(_LOOP):
        seen.add(node.name)
        port = _image_port(graph, node)
        if node.op in _ARITHMETIC:
            found.append((node, port))
        tensor = node.inputs[port]
        node = graph.node(tensor.node) if tensor is not None else node
    return found


def _image_port(graph: Graph, node: Node) -> int:
    """Where the image enters a node of the Preprocessor."""
    images = [
        port
        for port, tensor in enumerate(node.inputs)
        if tensor is not None and graph.node(tensor.node).op != "Const"
    ]
    if node.op not in (*_ARITHMETIC, *_MOVING) or len(images) != 1:
        raise InputError(
            "The Preprocessor does something else than scaling and mean subtraction",
            where=f"{graph.source}, node {node.name}",
            expected="one constant and one image",
        )
    return images[0]


def image_size(graph: Graph, match: SubgraphMatch) -> tuple[int, int] | None:
    """Return height and width that the block makes every image; None where they depend on the image.

    They are what its Resize node is given as a constant, or what it pads images to.
    """
    for node in match.nodes.values():
        if node.op.startswith("Resize") and len(node.inputs) == 2 and node.inputs[1]:
            size = graph.node(node.inputs[1].node).constant()
            if size is not None and size.shape == (2,) and size.min() > 0 and size.max() <= LARGEST_SIDE:
                return int(size[0]), int(size[1])
    aspect = read_aspect(graph, match)
    return (aspect.most, aspect.most) if aspect is not None and aspect.padded else None


def aspect_resizer(graph: Graph, match: SubgraphMatch) -> AspectResizer | None:
    """Return how the block keeps an image's aspect ratio, with the padding as grey levels; None if not."""
    aspect = read_aspect(graph, match)
    return (
        None if aspect is None else pad_in_grey_levels(graph, match, aspect, pixel_arithmetic(graph, match))
    )
