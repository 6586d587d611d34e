"""The last steps: the operation with its attributes, constants in place of shapes, and nodes in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckssd.errors import InputError
from ckssd.graph.attributes import DataType, Tensor
from ckssd.graph.folding import Known, fold_shapes
from ckssd.graph.graph import Graph
from ckssd.graph.match import some
from ckssd.graph.node import Node, Output, sources
from ckssd.graph.pipeline import Pipeline
from ckssd.graph.settings import Setting
from ckssd.graph.ssd.kinds import ANCHORS, BOX_ENCODINGS, CLASS_PREDICTIONS, INPUT, TFLITE_OPERATION
from ckssd.graph.tflite.upsampling import replace_upsampling
from ckssd.graph.tflite.wanted import NONE, REGULAR, TFLiteContext

POSTPROCESSOR = "Postprocessor/"
# TensorFlow lets a node carry attributes whose names begin with an underscore.
NUM_CLASSES = "_num_classes"


def read_num_classes(graph: Graph, known: Known, context: TFLiteContext, anchors: int) -> int:
    """Return the number of classes without the background; note it.

    Raises
    ------
    InputError
        If encodings or scores do not fit the anchors, or the number is not known, or pipeline.config has
        another one.
    """
    boxes, scores = (known.shapes.get(Output(name)) for name in (BOX_ENCODINGS, CLASS_PREDICTIONS))
    if boxes and boxes != (1, anchors, 4):
        raise _misfit(graph, BOX_ENCODINGS, f"[1, {anchors}, 4]", boxes)
    if scores and scores[:-1] != (1, anchors):
        raise _misfit(graph, CLASS_PREDICTIONS, f"[1, {anchors}, classes]", scores)
    found = scores[-1] - context.has_background if scores else None
    stated = _stated_classes(context.wanted.pipeline, found)
    number = stated or 0 if found is None else found
    if number < 1:
        raise InputError(
            "The number of classes is not known",
            where=f"{graph.source}, {CLASS_PREDICTIONS}",
            expected="a graph whose class predictions have a fixed shape, or its pipeline.config beside it",
        )
    origin = "pipeline.config" if found is None else "graph, class predictions"
    context.settings["num_classes"] = Setting(number, origin)
    return number


def _misfit(graph: Graph, name: str, expected: str, shape: tuple[int, ...]) -> InputError:
    return InputError(
        "A tensor does not fit the anchors",
        where=f"{graph.source}, {name}",
        expected=expected,
        got=list(shape),
    )


def _stated_classes(pipeline: Pipeline | None, found: int | None) -> int | None:
    """What pipeline.config says, if there is one; InputError if the graph says otherwise."""
    stated = pipeline.number("model", "ssd", "num_classes") if pipeline else None
    if pipeline and stated is not None and found is not None and int(stated) != found:
        raise InputError(
            "The pipeline configuration is not this graph's",
            where=pipeline.path,
            expected=f"num_classes {found}, as the graph has",
            got=f"{stated:g}",
            advice="name the one that the graph was exported with: --pipeline_config",
        )
    return None if stated is None else int(stated)


def finish(
    graph: Graph, known: Known, context: TFLiteContext, anchors: Tensor, num_classes: int
) -> tuple[Graph, tuple[str, ...]]:
    """Add the operation (unless NMS is ``none``) and its anchors; return the whole graph and its outputs."""
    fold_shapes(graph, known)
    replace_upsampling(graph, known)
    _drop_assertions(graph)
    _skip_identities(graph)
    constant = graph.add_constant(ANCHORS, anchors)
    if context.wanted.nms == NONE:
        graph.node(CLASS_PREDICTIONS).set_attribute(NUM_CLASSES, num_classes)
        outputs: tuple[str, ...] = (BOX_ENCODINGS, CLASS_PREDICTIONS, ANCHORS)
    else:
        inputs = [graph.node(BOX_ENCODINGS), graph.node(CLASS_PREDICTIONS), constant]
        graph.add(TFLITE_OPERATION, TFLITE_OPERATION, inputs, operation_attributes(context, num_classes))
        outputs = (TFLITE_OPERATION,)
    graph.prune(outputs)
    graph.check("the replacements")
    others = [node.name for node in graph.inputs() if node.name != INPUT]
    if others or INPUT not in graph:
        raise InputError(
            "The network reads something else than what the Preprocessor makes of an image",
            where=graph.source,
            got=some(others) or "no image at all",
        )
    return in_reading_order(graph), outputs


def operation_attributes(context: TFLiteContext, num_classes: int) -> Mapping[str, Any]:
    """The attributes of TFLite_Detection_PostProcess, all that the API's exporter writes."""
    value = {name: setting.value for name, setting in context.settings.items()}
    return {
        "_output_quantized": True,
        "_output_types": [DataType.FLOAT] * 4,
        "_support_output_type_float_in_quantized_op": True,
        "detections_per_class": int(value["detections_per_class"]),
        "h_scale": float(value["h_scale"]),
        "max_classes_per_detection": int(value["max_classes_per_detection"]),
        "max_detections": int(value["max_detections"]),
        "nms_iou_threshold": float(value["iou_threshold"]),
        "nms_score_threshold": float(value["score_threshold"]),
        "num_classes": num_classes,
        "use_regular_nms": context.wanted.nms == REGULAR,
        "w_scale": float(value["w_scale"]),
        "x_scale": float(value["x_scale"]),
        "y_scale": float(value["y_scale"]),
    }


def _skip_identities(graph: Graph) -> None:
    """Let the box encodings come from the network itself, not through a name in the Postprocessor."""
    node = graph.node(BOX_ENCODINGS)
    while (tensor := node.inputs[0]) and tensor.node.startswith(POSTPROCESSOR):
        passed = graph.node(tensor.node)
        if passed.op != "Identity" or not passed.inputs or passed.inputs[0] is None:
            return
        graph.connect(passed.inputs[0], node)


def _drop_assertions(graph: Graph) -> None:
    """Let nobody wait for a check of sizes: they are fixed now."""
    for node in graph:
        kept = [name for name in node.controls if graph.node(name).op != "Assert"]
        if len(kept) < len(node.controls):
            node.controls, node.raw = kept, None


def in_reading_order(graph: Graph) -> Graph:
    """Return the graph with every node behind those that it reads, otherwise in the order that it had."""
    placed: dict[str, Node] = {}
    for node in graph:
        stack = [node.name]
        while stack:
            name = stack[-1]
            waiting = [each for each in sources(graph.node(name)) if each not in placed and each not in stack]
            if waiting:
                stack.append(waiting[0])
            else:
                placed.setdefault(name, graph.node(stack.pop()))
    return Graph(placed.values(), graph.other_fields, graph.source)
