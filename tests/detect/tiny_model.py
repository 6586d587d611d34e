"""A real TFLite detection model of a few kilobytes, written byte by byte: random weights, the real operator.

Image [1, 8, 8, 3] -> two fully connected layers -> box encodings [1, P, 4] and sigmoid class predictions
[1, P, C + 1] -> TFLite_Detection_PostProcess.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flatbuffers import flexbuffers

from ckssd.tflite.flatbuffer import NewTable, Scalar, Vector, write

SIDE = 8
DEQUANTIZE, FULLY_CONNECTED, LOGISTIC, RESHAPE, CUSTOM = 6, 9, 14, 22, 32
FULLY_CONNECTED_OPTIONS, RESHAPE_OPTIONS = 8, 17

OPTIONS: dict[str, Any] = {
    "num_classes": 6,
    "max_detections": 20,
    "max_classes_per_detection": 1,
    "detections_per_class": 100,
    "use_regular_nms": True,
    "nms_score_threshold": 0.3,
    "nms_iou_threshold": 0.6,
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
}


def tiny_model(
    anchors: int = 64,
    seed: int = 1,
    *,
    logits: bool = False,
    int8_input: bool = False,
    several: dict[str, dict[str, Any]] | None = None,
    metadata: bytes | None = None,
    **options: Any,
) -> bytes:
    """The model's bytes; ``options`` replace those of OPTIONS, None takes one out.

    ``logits``: the class predictions lack their activation. ``int8_input``: quantised image of -1 to 1.
    ``several``: signatures, each with a graph of its own and other options of the operator. ``metadata``: see
    metadata_of.
    """
    chosen = {key: value for key, value in {**OPTIONS, **options}.items() if value is not None}
    classes = int(chosen.get("num_classes", 6)) + 1
    random = np.random.default_rng(seed)
    pixels = SIDE * SIDE * 3
    centres = np.concatenate(
        [random.uniform(0.1, 0.9, (anchors, 2)), random.uniform(0.1, 0.5, (anchors, 2))], axis=1
    )
    buffers: list[NewTable] = [{}]

    def tensor(name: str, shape: tuple[int, ...], values: np.ndarray | None = None) -> NewTable:
        index = 0
        if values is not None:
            buffers.append({0: np.ascontiguousarray(values, np.float32).tobytes()})
            index = len(buffers) - 1
        return {0: Vector("i", shape), 1: Scalar("b", 0), 2: Scalar("I", index), 3: name}

    tensors = [
        tensor("normalized_input_image_tensor", (1, SIDE, SIDE, 3)),
        tensor("box_weights", (anchors * 4, pixels), random.normal(0, 0.05, (anchors * 4, pixels))),
        tensor("box_bias", (anchors * 4,), np.zeros(anchors * 4)),
        tensor("box_flat", (1, anchors * 4)),
        tensor(
            "class_weights", (anchors * classes, pixels), random.normal(0, 0.12, (anchors * classes, pixels))
        ),
        tensor("class_bias", (anchors * classes,), np.full(anchors * classes, -1.0)),
        tensor("class_flat", (1, anchors * classes)),
        tensor("raw_outputs/box_encodings", (1, anchors, 4)),
        tensor("class_logits", (1, anchors, classes)),
        tensor("raw_outputs/class_predictions", (1, anchors, classes)),
        tensor("anchors", (anchors, 4), centres),
        tensor("TFLite_Detection_PostProcess", (1, chosen.get("max_detections", 20), 4)),
        tensor("TFLite_Detection_PostProcess:1", (1, chosen.get("max_detections", 20))),
        tensor("TFLite_Detection_PostProcess:2", (1, chosen.get("max_detections", 20))),
        tensor("TFLite_Detection_PostProcess:3", (1,)),
    ]
    operators: list[NewTable] = [
        _builtin(0, (0, 1, 2), (3,), FULLY_CONNECTED_OPTIONS, {}),
        _builtin(1, (3,), (7,), RESHAPE_OPTIONS, {0: Vector("i", (1, anchors, 4))}),
        _builtin(0, (0, 4, 5), (6,), FULLY_CONNECTED_OPTIONS, {}),
        _builtin(1, (6,), (8,), RESHAPE_OPTIONS, {0: Vector("i", (1, anchors, classes))}),
        {0: Scalar("I", 2), 1: Vector("i", (8,)), 2: Vector("i", (9,))},
        {
            0: Scalar("I", 3),
            1: Vector("i", (7, 9, 10)),
            2: Vector("i", (11, 12, 13, 14)),
            5: bytes(flexbuffers.Dumps(chosen)),
        },
    ]
    if logits:
        del operators[4]
        operators[4][1] = Vector("i", (7, 8, 10))
    if int8_input:
        quantization: NewTable = {2: Vector("f", (1 / 127.5,)), 3: Vector("q", (-1,))}
        image = {0: Vector("i", (1, SIDE, SIDE, 3)), 1: Scalar("b", 9), 2: Scalar("I", 0), 3: "image"}
        tensors.append({**image, 4: quantization})
        operators.insert(0, {0: Scalar("I", 4), 1: Vector("i", (15,)), 2: Vector("i", (0,))})
    graphs: list[NewTable] = []
    for name, changed in (several or {"main": {}}).items():
        last = {**operators[-1], 5: bytes(flexbuffers.Dumps({**chosen, **changed}))}
        graphs.append(
            {
                0: tensors,
                1: Vector("i", (15 if int8_input else 0,)),
                2: Vector("i", (11, 12, 13, 14)),
                3: [*operators[:-1], last],
                4: name,
            }
        )
    codes = [
        _code(FULLY_CONNECTED),
        _code(RESHAPE),
        _code(LOGISTIC),
        _code(CUSTOM, "TFLite_Detection_PostProcess"),
        _code(DEQUANTIZE),
    ]
    model: NewTable = {0: Scalar("I", 3), 1: codes, 2: graphs, 3: "tiny", 4: buffers}
    if metadata is not None:
        buffers.append({0: metadata})
        model[6] = [{0: "TFLITE_METADATA", 1: Scalar("I", len(buffers) - 1)}]
    if several:
        model[7] = [
            {
                0: [{0: "image", 1: Scalar("I", 0)}],
                1: [{0: "boxes", 1: Scalar("I", 11)}],
                2: name,
                4: Scalar("I", index),
            }
            for index, name in enumerate(several)
        ]
    return write(model, b"TFL3")


def metadata_of(means: tuple[float, ...], stds: tuple[float, ...]) -> bytes:
    """TFLite metadata that state a normalisation of the image, as the schema's own writers do."""
    options: NewTable = {0: Vector("f", means), 1: Vector("f", stds)}
    image: NewTable = {0: "image", 4: [{0: Scalar("B", 1), 1: options}]}
    return write({0: "tiny", 3: [{2: [image]}]}, b"M001")


def tiny_model_without_nms() -> bytes:
    """A model that only flattens its input: no postprocessing operator, one output."""
    tensors: list[NewTable] = [
        {0: Vector("i", (1, SIDE, SIDE, 3)), 1: Scalar("b", 0), 2: Scalar("I", 0), 3: "image"},
        {0: Vector("i", (1, SIDE * SIDE * 3)), 1: Scalar("b", 0), 2: Scalar("I", 0), 3: "flat"},
    ]
    operator = _builtin(0, (0,), (1,), RESHAPE_OPTIONS, {0: Vector("i", (1, SIDE * SIDE * 3))})
    graph: NewTable = {0: tensors, 1: Vector("i", (0,)), 2: Vector("i", (1,)), 3: [operator]}
    return write({0: Scalar("I", 3), 1: [_code(RESHAPE)], 2: [graph], 4: [{}]}, b"TFL3")


def _builtin(
    code: int, inputs: tuple[int, ...], outputs: tuple[int, ...], kind: int, options: NewTable
) -> NewTable:
    return {
        0: Scalar("I", code),
        1: Vector("i", inputs),
        2: Vector("i", outputs),
        3: Scalar("B", kind),
        4: options,
    }


def _code(builtin: int, custom: str | None = None) -> NewTable:
    code: NewTable = {0: Scalar("b", builtin), 2: Scalar("i", 1), 3: Scalar("i", builtin)}
    if custom is not None:
        code[1] = custom
    return code
