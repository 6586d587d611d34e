"""Says in one line what a graph is that is not the one wanted: an SSD to run, or one for TFLite."""

from __future__ import annotations

import re

from ckssd.errors import InputError
from ckssd.graph.graph import Graph

TFLITE_OPERATION = "TFLite_Detection_PostProcess"
INPUT, ANCHORS = "normalized_input_image_tensor", "anchors"
BOX_ENCODINGS, CLASS_PREDICTIONS = "raw_outputs/box_encodings", "raw_outputs/class_predictions"
FOR_TFLITE = (INPUT, BOX_ENCODINGS, CLASS_PREDICTIONS, ANCHORS)
EXPECTED_FOR_TFLITE = "a graph for TFLite, which ckssd export makes: tflite_graph.pb"
EXPECTED = "an SSD's frozen_inference_graph.pb, exported by export_inference_graph.py"
_TWO_STAGES = re.compile(r"(.*/)?(FirstStage|SecondStage)")
_TENSORFLOW_2 = "StatefulPartitionedCall/"
_SCOPES = {
    "Postprocessor/": "nothing in it decodes boxes and suppresses",
    "Preprocessor/": "where its image enters the network is unknown",
}


def check_ssd(graph: Graph) -> None:
    """Raise InputError unless the graph has a Preprocessor and a Postprocessor, as SSDs have them."""
    refuse_other_kinds(graph)
    for scope, why in _SCOPES.items():
        if not _has_scope(graph, scope):
            raise InputError(
                f"This is no graph of an SSD by the Object Detection API: it has no {scope[:-1]}, so {why}",
                where=graph.source,
                expected=EXPECTED,
            )


def refuse_other_kinds(graph: Graph) -> None:
    """Raise InputError for a graph of a kind that is known not to be an SSD's frozen graph."""
    if TFLITE_OPERATION in graph or BOX_ENCODINGS in graph or CLASS_PREDICTIONS in graph:
        raise InputError(
            "This is a graph for TFLite already",
            where=graph.source,
            expected=EXPECTED,
            advice="convert it with ckssd convert --graph",
        )
    _refuse_other_detectors(graph, EXPECTED)


def check_for_tflite(graph: Graph) -> None:
    """Raise InputError unless the graph has what TFLite's converter is told to begin and end with."""
    missing = [name for name in FOR_TFLITE if name not in graph]
    if not missing:
        return
    _refuse_other_detectors(graph, EXPECTED_FOR_TFLITE)
    if all(_has_scope(graph, scope) for scope in _SCOPES):
        raise InputError(
            "This is a frozen graph as TensorFlow runs it, not yet one for TFLite",
            where=graph.source,
            expected=EXPECTED_FOR_TFLITE,
            advice="make one of it: ckssd export --frozen_graph FILE --output DIR",
        )
    raise InputError(
        "This is no graph for TFLite",
        where=graph.source,
        expected=EXPECTED_FOR_TFLITE,
        got=f"no node {', '.join(missing)}",
    )


def _refuse_other_detectors(graph: Graph, expected: str) -> None:
    if any(_TWO_STAGES.match(node.name) for node in graph):
        raise InputError(
            "This is a detector of two stages (Faster R-CNN), not an SSD",
            where=graph.source,
            expected=expected,
        )
    if _has_scope(graph, _TENSORFLOW_2):
        raise InputError(
            "This is a graph of TensorFlow 2's exporter, but of no SSD: its function has no Postprocessor",
            where=graph.source,
            expected=expected,
        )


def _has_scope(graph: Graph, prefix: str) -> bool:
    return any(node.name.startswith(prefix) for node in graph)
