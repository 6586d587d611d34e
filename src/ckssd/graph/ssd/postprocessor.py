"""Swaps the Postprocessor block (decoding, NMS, some two thousand nodes) for one DetectionOutput.

DetectionOutput (OpenVINO opset 8) takes locations [N, P*4], confidences [N, P*C] and priors [1, 2, P*4],
whose second row holds the variances, and gives rows image, label, score, xmin, ymin, xmax, ymax. TensorFlow
orders coordinates y, x, h, w, so locations and anchors are put in the order x, y, w, h first. Where something
else does NMS (ckssd.graph.ssd.limits says what), emission swaps DetectionOutput for it, with the same inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ckssd.graph.attributes import DataType
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node
from ckssd.graph.replacement import FrontReplacementFromConfigFileSubGraph, Place, SubGraph
from ckssd.graph.settings import Setting
from ckssd.graph.ssd.boxes import Scales, exact, read_scales
from ckssd.graph.ssd.limits import OPERATION, choose_postprocessing, decide_limits
from ckssd.graph.ssd.scores import Scores, read_scores
from ckssd.graph.ssd.suppression import read_suppression

DETECTION_OUTPUT = OPERATION
SWAPPED = np.array([1, 0, 3, 2], np.int32)
LAST_AXIS = np.array(-1, np.int32)
FLOATS: Mapping[str, Any] = {"T": DataType.FLOAT}


class PostprocessorReplacement(FrontReplacementFromConfigFileSubGraph):
    """The seed's replacer: locations, confidences and priors into DetectionOutput."""

    replacement_id = "TFObjectDetectionAPIDetectionOutput"
    replacement_aliases = ("ObjectDetectionAPISSDPostprocessorReplacement",)

    def generate_sub_graph(self, graph: Graph, match: SubgraphMatch) -> SubGraph:
        """Read what the matched part does, and build the same from DetectionOutput."""
        locations, predictions, _ = (match.input_nodes(index)[0] for index in range(3))
        for name, index in (("locations", 0), ("confidences", 1), ("priors", 2)):
            self.context.tensors[name] = match.input_tensor(index)
        scores = read_scores(graph, match, predictions)
        scales = read_scales(graph, match, locations)
        suppression = read_suppression(graph, match)
        kind = choose_postprocessing(self.context, suppression, graph.source)
        attributes = decide_limits(self.context, match, suppression, kind)
        self._note(scores, scales)
        shape = graph.add_constant(f"{DETECTION_OUTPUT}/flat", np.array([self._batch(), -1], np.int32))
        swap = graph.add_constant(f"{DETECTION_OUTPUT}/x_before_y", SWAPPED)
        axis = graph.add_constant(f"{DETECTION_OUTPUT}/last_axis", LAST_AXIS)
        first_location = _gather(graph, "locations_xy", swap, axis)
        flat_locations = graph.add(
            "Reshape", f"{DETECTION_OUTPUT}/locations", [first_location, shape], FLOATS
        )
        first_score, last_score = _add_scores(graph, scores)
        flat_scores = graph.add("Reshape", f"{DETECTION_OUTPUT}/confidences", [last_score, shape], FLOATS)
        first_prior = _gather(graph, "priors_xy", swap, axis)
        priors = _add_priors(graph, first_prior, scales)
        output = graph.add(
            DETECTION_OUTPUT, DETECTION_OUTPUT, [flat_locations, flat_scores, priors], attributes
        )
        return {
            "detection_output_node": output,
            "reshape_loc_node": first_location,
            "reshape_conf_node": first_score,
            "priors_node": first_prior,
        }

    def input_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """Locations, class predictions and anchors go where their first new node is."""
        aliases = ("reshape_loc_node", "reshape_conf_node", "priors_node")
        places: dict[Place, Place] = {}
        for index, alias in enumerate(aliases):
            node, port = match.input_nodes(index)[0]
            places[node.id, port] = alias
        return places

    def output_edges_match(self, graph: Graph, match: SubgraphMatch, new: SubGraph) -> Mapping[Place, Place]:
        """DetectionOutput's one tensor stands in for the first output; the other outputs end."""
        node, port = match.output_node(0)
        return {(node.id, port): "detection_output_node"}

    def _batch(self) -> int:
        request = self.context.request
        return request.batch or (request.input_shape[0] if request.input_shape else 1)

    def _note(self, scores: Scores, scales: Scales) -> None:
        self.context.settings["activation"] = Setting(scores.activation, scores.origin)
        if scores.scale != 1.0:
            self.context.settings["logit_scale"] = Setting(exact(1 / scores.scale), "graph")
        shown = ", ".join(f"1/{value:g}" for value in (scales.x, scales.y, scales.width, scales.height))
        self.context.settings["variances"] = Setting(shown, scales.origin)


def _gather(graph: Graph, name: str, indices: Node, axis: Node) -> Node:
    types = {"Tparams": DataType.FLOAT, "Tindices": DataType.INT32, "Taxis": DataType.INT32}
    return graph.add("GatherV2", f"{DETECTION_OUTPUT}/{name}", [None, indices, axis], types)


def _add_scores(graph: Graph, scores: Scores) -> tuple[Node, Node]:
    """From class predictions to scores with the background first; the first and the last new node.

    The first one reads the predictions at port 0.
    """
    first = last = graph.add("Identity", f"{DETECTION_OUTPUT}/predictions", [None], FLOATS)
    if scores.scale != 1.0:
        factor = graph.add_constant(f"{DETECTION_OUTPUT}/logit_scale", np.array(scores.scale, np.float32))
        last = graph.add("Mul", f"{DETECTION_OUTPUT}/scaled", [last, factor], FLOATS)
    if scores.softmax_without_background:
        begin = graph.add_constant(f"{DETECTION_OUTPUT}/class_1", np.array([0, 0, 1], np.int32))
        size = graph.add_constant(f"{DETECTION_OUTPUT}/the_rest", np.array([-1, -1, -1], np.int32))
        types = {"T": DataType.FLOAT, "Index": DataType.INT32}
        last = graph.add("Slice", f"{DETECTION_OUTPUT}/foreground", [last, begin, size], types)
    if scores.activation != "none":
        last = graph.add(scores.activation.title(), f"{DETECTION_OUTPUT}/scores", [last], FLOATS)
    if scores.softmax_without_background or not scores.has_background:
        # DetectionOutput skips class 0, so that there has to be one.
        columns = graph.add_constant(
            f"{DETECTION_OUTPUT}/one_column", np.array([[0, 0], [0, 0], [1, 0]], np.int32)
        )
        types = {"T": DataType.FLOAT, "Tpaddings": DataType.INT32}
        last = graph.add("Pad", f"{DETECTION_OUTPUT}/with_background", [last, columns], types)
    return first, last


def _add_priors(graph: Graph, anchors: Node, scales: Scales) -> Node:
    """Anchors [P, 4] and the variances as [1, 2, P*4]."""
    row = graph.add_constant(f"{DETECTION_OUTPUT}/row", np.array([1, 1, -1], np.int32))
    axis = graph.add_constant(f"{DETECTION_OUTPUT}/rows", np.array(1, np.int32))
    variances = np.array(
        [1 / scales.x, 1 / scales.y, 1 / scales.width, 1 / scales.height], np.float32
    ).reshape(1, 4)
    one = graph.add_constant(f"{DETECTION_OUTPUT}/variance", variances)
    types = {"T": DataType.FLOAT, "out_type": DataType.INT32}
    shape = graph.add("Shape", f"{DETECTION_OUTPUT}/priors_shape", [anchors], types)
    types = {"T": DataType.FLOAT, "Tidx": DataType.INT32}
    tiled = graph.add("BroadcastTo", f"{DETECTION_OUTPUT}/variances", [one, shape], types)
    rows = [
        graph.add("Reshape", f"{DETECTION_OUTPUT}/{name}", [tensor, row], FLOATS)
        for name, tensor in (("priors_row", anchors), ("variances_row", tiled))
    ]
    return graph.add("ConcatV2", f"{DETECTION_OUTPUT}/priors", [*rows, axis], {**types, "N": 2})
