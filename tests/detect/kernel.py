"""TFLite's own TFLite_Detection_PostProcess, run by LiteRT on any inputs: a model of that one operator."""

from __future__ import annotations

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import flexbuffers

from ckssd.tflite.flatbuffer import NewTable, Scalar, Vector, write
from ckssd.tflite.options import PostProcessOptions

CUSTOM = 32


def run_kernel(
    encodings: np.ndarray, predictions: np.ndarray, anchors: np.ndarray, options: PostProcessOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, classes and scores of the slots that count, by one thread."""
    interpreter = Interpreter(
        model_content=one_operator(anchors, predictions.shape[-1], options), num_threads=1
    )
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), (encodings, predictions), strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    boxes, classes, scores, count = (
        interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()
    )
    valid = int(count[0])
    return boxes[0, :valid], classes[0, :valid].astype(np.int64), scores[0, :valid]


def one_operator(anchors: np.ndarray, columns: int, options: PostProcessOptions) -> bytes:
    """The model: box encodings [1, A, 4] and class predictions [1, A, columns] in, four outputs out."""
    number, limit = len(anchors), options.max_detections
    shapes = [(1, number, 4), (1, number, columns), (number, 4), (1, limit, 4), (1, limit), (1, limit), (1,)]
    tensors: list[NewTable] = [
        {0: Vector("i", shape), 1: Scalar("b", 0), 2: Scalar("I", int(place == 2)), 3: f"tensor {place}"}
        for place, shape in enumerate(shapes)
    ]
    operator: NewTable = {
        0: Scalar("I", 0),
        1: Vector("i", (0, 1, 2)),
        2: Vector("i", (3, 4, 5, 6)),
        5: bytes(flexbuffers.Dumps(options.as_dict())),
    }
    graph: NewTable = {0: tensors, 1: Vector("i", (0, 1)), 2: Vector("i", (3, 4, 5, 6)), 3: [operator]}
    code: NewTable = {
        0: Scalar("b", CUSTOM),
        1: "TFLite_Detection_PostProcess",
        2: Scalar("i", 1),
        3: Scalar("i", CUSTOM),
    }
    buffers: list[NewTable] = [{}, {0: anchors.astype(np.float32).tobytes()}]
    return write({0: Scalar("I", 3), 1: [code], 2: [graph], 4: buffers}, b"TFL3")
