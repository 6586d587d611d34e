"""Replacers with the ids of those for OpenVINO: the same configurations then make a graph for TFLite.

The Postprocessor becomes TFLite_Detection_PostProcess behind the nodes ``raw_outputs/…``, the Preprocessor
the input ``normalized_input_image_tensor``, all named and built as the Object Detection API's exporter does
it (export_tflite_ssd_graph_lib.py of July 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType, Shape, Tensor
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node, Output
from ckssd.graph.pixels import pixel_value
from ckssd.graph.replacement import FrontReplacementFromConfigFileSubGraph, Place, SubGraph
from ckssd.graph.settings import Setting
from ckssd.graph.ssd.boxes import exact, read_scales
from ckssd.graph.ssd.kinds import BOX_ENCODINGS, CLASS_PREDICTIONS, INPUT, TFLITE_OPERATION
from ckssd.graph.ssd.postprocessor import PostprocessorReplacement
from ckssd.graph.ssd.preprocessor import (
    CHANNELS,
    PreprocessorReplacement,
    aspect_resizer,
    image_size,
    pixel_arithmetic,
)
from ckssd.graph.ssd.scores import Scores, read_scores
from ckssd.graph.ssd.suppression import read_suppression, refuse_soft
from ckssd.graph.tflite.wanted import NONE, TFLiteContext, decide_limits

SCALE, ACTIVATION = "scale_logits", "convert_scores"
FLOATS: Mapping[str, Any] = {"T": DataType.FLOAT}
OPERATIONS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "none": "Identity"}
USUAL_RANGE = (-1.0, 1.0)


class PostprocessorForTFLite(FrontReplacementFromConfigFileSubGraph):
    """Ends the graph at box encodings and scores; the operation behind them is added when all is known."""

    replacement_id = PostprocessorReplacement.replacement_id
    replacement_aliases = PostprocessorReplacement.replacement_aliases
    context: TFLiteContext

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        """Read what the matched part does, and build the way to the scores."""
        context = self.context
        locations, predictions, _ = (match.input_nodes(index)[0] for index in range(3))
        scores = read_scores(graph, match, predictions)
        context.has_background = scores.has_background
        context.scales = read_scales(graph, match, locations)
        context.anchors = match.input_tensor(2)
        self._note(scores)
        if context.wanted.nms != NONE:
            context.suppression = read_suppression(graph, match)
            advice = "--nms none leaves suppression to your program"
            refuse_soft(context.suppression, graph.source, TFLITE_OPERATION, advice)
            context.settings.update(decide_limits(context, graph.source))
        boxes = graph.add("Identity", BOX_ENCODINGS, [None], FLOATS)
        first, last = _add_scores(graph, scores)
        graph.add("Identity", CLASS_PREDICTIONS, [last], FLOATS)
        return {"boxes": boxes, "predictions": first}

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """Box encodings and class predictions go where their first new node is."""
        places: dict[Place, Place] = {}
        for index, alias in enumerate(("boxes", "predictions")):
            node, port = match.input_nodes(index)[0]
            places[node.id, port] = alias
        return places

    def _note(self, scores: Scores) -> None:
        settings, scales = self.context.settings, self.context.scales
        settings["activation"] = Setting(scores.activation, scores.origin)
        settings["logit_scale"] = Setting(exact(1 / scores.scale), "graph")
        for name, value in (("y", scales.y), ("x", scales.x), ("h", scales.height), ("w", scales.width)):
            settings[f"{name}_scale"] = Setting(value, scales.origin)


def _add_scores(graph: Graph, scores: Scores) -> tuple[Node, Node]:
    """From class predictions to scores; the first new node, which reads them, and the last one."""
    divisor = graph.add_constant(f"{SCALE}/y", np.array(exact(1 / scores.scale), np.float32))
    first = last = graph.add("RealDiv", SCALE, [None, divisor], FLOATS)
    if scores.softmax_without_background:
        begin = graph.add_constant("foreground/begin", np.array([0, 0, 1], np.int32))
        size = graph.add_constant("foreground/size", np.array([-1, -1, -1], np.int32))
        types = {"T": DataType.FLOAT, "Index": DataType.INT32}
        last = graph.add("Slice", "foreground", [last, begin, size], types)
    last = graph.add(OPERATIONS[scores.activation], ACTIVATION, [last], FLOATS)
    if scores.softmax_without_background:
        # Whoever reads the scores skips class 0.
        columns = graph.add_constant("background/columns", np.array([[0, 0], [0, 0], [1, 0]], np.int32))
        types = {"T": DataType.FLOAT, "Tpaddings": DataType.INT32}
        last = graph.add("Pad", "background", [last, columns], types)
    return first, last


class PreprocessorForTFLite(FrontReplacementFromConfigFileSubGraph):
    """Takes the whole block out: the input is what it made of an image."""

    replacement_id = PreprocessorReplacement.replacement_id
    replacement_aliases = PreprocessorReplacement.replacement_aliases
    context: TFLiteContext

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        """Add the input, float32 [1, height, width, channels], in the size that the block resized to."""
        size = image_size(graph, match)
        if size is None:
            raise InputError(
                "The graph resizes images to no fixed size, which a graph for TFLite must have",
                where=f"{graph.source}, Preprocessor",
                expected="fixed_shape_resizer in the pipeline.config of its export, or "
                "keep_aspect_ratio_resizer with pad_to_max_dimension: true",
                advice="export the model again with one of them",
            )
        output = Output(match.output_node(0)[0].name, match.output_node(0)[1])
        shape = (1, *size, _channels(graph, output))
        self.context.settings["input_shape"] = Setting(list(shape), "graph, Preprocessor")
        aspect = aspect_resizer(graph, match)
        if aspect is not None:
            self.context.settings["resizer"] = Setting(str(aspect), "graph, Preprocessor")
        self._note_range(graph, match)
        image = graph.add("Placeholder", INPUT, (), {"dtype": DataType.FLOAT, "shape": Shape(shape)})
        return {"image": image}

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """The input stands in for the normalised images."""
        node, port = match.output_node(0)
        return {(node.id, port): "image"}

    def _note_range(self, graph: Graph, match: SubgraphMatch) -> None:
        """What the input's values are; a note where they are not what programs for TFLite feed."""
        ends = [pixel_value(graph, pixel_arithmetic(graph, match), value) for value in (0.0, 255.0)]
        if any(end is None for end in ends):
            shown, usual = "not known: the Preprocessor computes with more than constants", False
        else:
            low, high = (np.unique(np.asarray(end, np.float64).round(4)) for end in ends)
            usual = (low.tolist(), high.tolist()) == ([USUAL_RANGE[0]], [USUAL_RANGE[1]])
            shown = f"{_shown(low)} to {_shown(high)}"
        self.context.settings["input_range"] = Setting(shown, "graph, Preprocessor")
        if not usual:
            self.context.notes.append(
                f"the network takes values {shown}, not -1 to 1: what feeds {INPUT} has to normalise so"
            )


def _shown(values: Tensor) -> str:
    return "/".join(f"{value:g}" for value in values)


def _channels(graph: Graph, images: Output) -> int:
    """How many channels the network's first convolution takes; 3 if that is not clear."""
    tensor = images
    while readers := graph.readers(tensor):
        reader = readers[0][0]
        if reader.op == "Conv2D" and len(reader.inputs) > 1 and reader.inputs[1]:
            kernel = graph.node(reader.inputs[1].node)
            if kernel.op == "Identity" and kernel.inputs and kernel.inputs[0]:
                kernel = graph.node(kernel.inputs[0].node)
            value = kernel.constant()
            return int(value.shape[2]) if value is not None and value.ndim == 4 else CHANNELS
        if reader.op != "Identity" or Output(reader.name) == tensor:
            break
        tensor = Output(reader.name)
    return CHANNELS
