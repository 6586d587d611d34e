"""Swaps the Postprocessor block (decoding, NMS, some two thousand nodes) for one DetectionOutput.

DetectionOutput (OpenVINO opset 8) takes locations [N, P*4], confidences [N, P*C] and priors [1, 2, P*4],
whose second row holds the variances, and gives rows image, label, score, xmin, ymin, xmax, ymax. TensorFlow
orders coordinates y, x, h, w, so locations and anchors are put in the order x, y, w, h first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType
from ckssd.graph.graph import Graph
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.node import Node
from ckssd.graph.replacement import FrontReplacementFromConfigFileSubGraph, Place, SubGraph
from ckssd.graph.settings import NONE, Setting, first_stated
from ckssd.graph.ssd.boxes import Scales, Suppression, exact, read_scales, read_suppression
from ckssd.graph.ssd.scores import Scores, read_scores

DETECTION_OUTPUT = "DetectionOutput"
CODE_TYPE = "caffe.PriorBoxParameter.CENTER_SIZE"
# Model Optimizer wrote these into its IR; today's operation has no such attributes and resizes nothing.
WITHOUT_EFFECT = ("pad_mode", "resize_mode")
NUMBERS = ("confidence_threshold", "nms_threshold", "top_k", "keep_top_k")
FLAGS = {"clip_after_nms": True, "clip_before_nms": False}
# Below this, DetectionOutput takes longer than the network: a second per image at 1e-8, with 90 classes.
SLOW_THRESHOLD = 1e-3
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
        if suppression.class_agnostic:
            raise InputError(
                "The graph suppresses boxes of all classes together (class-agnostic NMS), "
                f"{DETECTION_OUTPUT} only those of one class",
                where=graph.source,
                expected="use_class_agnostic_nms: false in the pipeline.config of its export",
                advice="for TFLite, ckssd export --frozen_graph --nms fast does what the graph does",
            )
        attributes = self._attributes(match, suppression)
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

    def _attributes(self, match: SubgraphMatch, suppression: Suppression) -> dict[str, Any]:
        """DetectionOutput's attributes; each is noted with its origin."""
        stated = match.custom_replacement_desc
        custom, where = stated.custom_attributes, f"configuration, {stated.id}"
        _check_custom(custom, stated.where)
        request, pipeline = self.context.request, self.context.request.pipeline
        in_pipeline = {
            "confidence_threshold": pipeline and pipeline.nms("score_threshold"),
            "nms_threshold": pipeline and pipeline.nms("iou_threshold"),
            "keep_top_k": pipeline and pipeline.nms("max_total_detections"),
        }
        in_graph = {
            "confidence_threshold": suppression.score_threshold,
            "nms_threshold": suppression.iou_threshold,
            "keep_top_k": suppression.total,
        }
        # TensorFlow sorts all boxes of a class, whatever their number.
        default = {"top_k": -1}
        settings = self.context.settings
        for name in NUMBERS:
            settings[name] = first_stated(
                name,
                [
                    (request.overrides.get(name), f"command line, --{name}"),
                    (custom.get(name), where),
                    (in_pipeline.get(name), "pipeline.config"),
                    (in_graph.get(name), suppression.origin),
                    (default.get(name), "all: TensorFlow has no such limit"),
                ],
            )
        for name, value in FLAGS.items():
            settings[name] = first_stated(
                name, [(custom.get(name), where), (value, "as the Object Detection API does it")]
            )
        if request.postprocessing == NONE:
            self._limit_classes(suppression)
        else:
            self._note_limit(suppression)
        return {
            **{name: float(settings[name].value) for name in NUMBERS[:2]},
            **{name: int(settings[name].value) for name in NUMBERS[2:]},
            **{name: bool(settings[name].value) for name in FLAGS},
            "code_type": CODE_TYPE,
        }

    def _limit_classes(self, suppression: Suppression) -> None:
        """What TensorFlow's NMS has and DetectionOutput has not; and the other way round."""
        settings = self.context.settings
        keep = int(settings["keep_top_k"].value)
        settings["detections_per_class"] = (
            Setting(keep, "as many as in all")
            if suppression.per_class is None
            else Setting(suppression.per_class, suppression.origin)
        )
        if settings["top_k"].value != -1:
            self.context.notes.append(f"top_k {settings['top_k']} does not count without DetectionOutput")
        settings["top_k"] = Setting(-1, "all: TensorFlow has no such limit")

    def _note_limit(self, suppression: Suppression) -> None:
        settings = self.context.settings
        threshold, keep = settings["confidence_threshold"].value, int(settings["keep_top_k"].value)
        if threshold < SLOW_THRESHOLD and settings["top_k"].value == -1:
            self.context.notes.append(
                f"at the score threshold {threshold:g} nearly every box enters NMS, which takes time: "
                "--confidence_threshold or --top_k help"
            )
        if suppression.per_class is not None and suppression.per_class < keep:
            self.context.notes.append(
                f"the graph keeps at most {suppression.per_class} detections of a class; DetectionOutput has "
                f"no such limit, only {keep} in all"
            )

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


def _check_custom(custom: Mapping[str, Any], where: str) -> None:
    """Attributes that nobody knows would be ignored silently; bad values would fail far from here."""
    known = (*NUMBERS, *FLAGS, "code_type", *WITHOUT_EFFECT)
    for name, value in custom.items():
        place = f"{where}, custom_attributes, {name}"
        if name not in known:
            raise InputError("Unknown custom attribute", where=place, expected=f"one of {', '.join(known)}")
        if name == "code_type" and value != CODE_TYPE:
            raise InputError(
                "The box coder's encodings are of another type", where=place, expected=CODE_TYPE, got=value
            )
        if name in FLAGS and not isinstance(value, bool):
            raise InputError("Bad custom attribute", where=place, expected="true or false", got=value)
        if name in NUMBERS:
            check_number(name, value, place)


def check_number(name: str, value: object, where: str) -> None:
    """Raise InputError for a threshold outside 0 … 1, or a limit that is no whole number from 1 (-1: all)."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if name.endswith("threshold"):
        good = numeric and 0 <= value <= 1  # type: ignore[operator]
        expected = "a number from 0 to 1"
    else:
        good = numeric and isinstance(value, int) and (value >= 1 or (name == "top_k" and value == -1))
        expected = "a whole number of at least 1" + (", or -1 for all" if name == "top_k" else "")
    if not good:
        raise InputError("Bad custom attribute", where=where, expected=expected, got=value)
