"""TFLite models without the postprocessing operator, run by LiteRT; NMS is this project's own."""

from __future__ import annotations

from ckssd.detect.backends.raw import RawBackend, RawGraph
from ckssd.detect.litert import network_input
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.model.description import Model
from ckssd.tflite.activation import class_activation
from ckssd.tflite.model import read_model
from ckssd.tflite.precision import precision_of


def open_raw(model: Model) -> RawBackend:
    """Read a graph that ends in box encodings and class predictions.

    Raises
    ------
    InputError
        The file is none, or does not fit its anchors or classes.
    UsageError
        Nothing says how its outputs become scores.
    """
    file = read_model(model.file, model.signature)
    graph = RawGraph(
        outputs=file,
        input=network_input(file, normalize=model.normalize),
        activation=class_activation(file),
        precision=precision_of(file),
        libraries=("ai-edge-litert",),
        detector=lambda own, threads: RawLiteRTDetector(file, own, threads),
    )
    return RawBackend(model, graph)
