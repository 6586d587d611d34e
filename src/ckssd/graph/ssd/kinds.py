"""Says in one line what a graph is that is no SSD with its Preprocessor and Postprocessor."""

from __future__ import annotations

from ckssd.errors import InputError
from ckssd.graph.graph import Graph

TFLITE_OPERATION = "TFLite_Detection_PostProcess"
BOX_ENCODINGS, CLASS_PREDICTIONS = "raw_outputs/box_encodings", "raw_outputs/class_predictions"
EXPECTED = "an SSD's frozen_inference_graph.pb, exported by export_inference_graph.py"
_TWO_STAGES = ("FirstStage", "SecondStage")
_TENSORFLOW_2 = "StatefulPartitionedCall/"
_SCOPES = {
    "Postprocessor/": "nothing in it decodes boxes and suppresses",
    "Preprocessor/": "where its image enters the network is unknown",
}


def check_ssd(graph: Graph) -> None:
    """Raise InputError unless the graph has a Preprocessor and a Postprocessor, as SSDs have them."""
    names = [node.name for node in graph]
    if TFLITE_OPERATION in graph or BOX_ENCODINGS in graph or CLASS_PREDICTIONS in graph:
        raise InputError(
            "This is a graph for TFLite already",
            where=graph.source,
            expected=EXPECTED,
            advice="convert it with ckssd convert --graph",
        )
    if any(name.startswith(_TWO_STAGES) for name in names):
        raise InputError(
            "This is a detector of two stages (Faster R-CNN), not an SSD",
            where=graph.source,
            expected=EXPECTED,
        )
    if any(name.startswith(_TENSORFLOW_2) for name in names):
        raise InputError(
            "This is a graph of TensorFlow 2's exporter",
            where=graph.source,
            expected=EXPECTED,
            advice="export the checkpoint with that API's export_tflite_graph_tf2.py",
        )
    for scope, why in _SCOPES.items():
        if not any(name.startswith(scope) for name in names):
            raise InputError(
                f"This is no graph of an SSD by the Object Detection API: it has no {scope[:-1]}, so {why}",
                where=graph.source,
                expected=EXPECTED,
            )
