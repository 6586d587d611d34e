"""Real ONNX graphs of a few kilobytes: the network of the tiny TFLite model, and a graph with its own NMS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.detect.tiny_model import SIDE

OPSETS = [helper.make_opsetid("", 17)]
# A detection: box (ymin, xmin, ymax, xmax), class counted from 1, score.
FOUND = (
    ((0.1, -0.2, 0.5, 1.3), 2.0, 0.9),
    ((0.2, 0.2, 0.6, 0.7), 6.0, 0.4),
    ((0.0, 0.0, 0.0, 0.0), 1.0, 0.0),
)


def write_network(
    path: Path, *, activation: str = "Sigmoid", swapped: bool = False, batch: int | str = 1
) -> Path:
    """The network of tiny_model, with the same weights; ``activation`` may be empty."""
    anchors, classes, random = 64, 7, np.random.default_rng(1)
    random.uniform(0.1, 0.9, (anchors, 2))
    random.uniform(0.1, 0.5, (anchors, 2))
    pixels = SIDE * SIDE * 3
    weights = {
        "box_weights": random.normal(0, 0.05, (anchors * 4, pixels)),
        "class_weights": random.normal(0, 0.12, (anchors * classes, pixels)),
        "class_bias": np.full(anchors * classes, -1.0),
    }
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    shapes = {"flat": [1, pixels], "boxes_shape": [1, anchors, 4], "classes_shape": [1, anchors, classes]}
    constants += [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in shapes.items()]
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("Gemm", ["pixels", "box_weights"], ["box_flat"], transB=1),
        helper.make_node("Reshape", ["box_flat", "boxes_shape"], ["boxes"]),
        helper.make_node("Gemm", ["pixels", "class_weights", "class_bias"], ["class_flat"], transB=1),
        helper.make_node(activation or "Identity", ["class_flat"], ["class_scores"]),
        helper.make_node("Reshape", ["class_scores", "classes_shape"], ["classes"]),
    ]
    outputs = [("boxes", [batch, anchors, 4]), ("classes", [batch, anchors, classes])]
    return _write(path, nodes, [batch, SIDE, SIDE, 3], outputs[::-1] if swapped else outputs, constants)


def write_whole(
    path: Path, *, thresholds: tuple[float, ...] = (0.25, 0.25), size: int | str = "size"
) -> Path:
    """A graph that always finds FOUND, the last one invalid; an NMS operator for each of ``thresholds``."""
    boxes, classes, scores = (np.array([part], np.float32) for part in zip(*FOUND, strict=True))
    found = {"boxes_": boxes, "classes_": classes, "scores_": scores, "count_": np.array([2], np.float32)}
    constants = [numpy_helper.from_array(value, name) for name, value in found.items()]
    constants += [
        numpy_helper.from_array(np.array([5], np.int64), "limit"),
        numpy_helper.from_array(np.array([0.6], np.float32), "iou"),
        numpy_helper.from_array(np.ones((1, 1, 3), np.float32), "some_scores"),
    ]
    nodes = [helper.make_node("Cast", ["image_tensor:0"], ["unused"], to=TensorProto.FLOAT)]
    for index, threshold in enumerate(thresholds):
        constants.append(numpy_helper.from_array(np.array([threshold], np.float32), f"score{index}"))
        inputs = ["boxes_", "some_scores", "limit", "iou", f"score{index}"]
        nodes.append(helper.make_node("NonMaxSuppression", inputs, [f"kept{index}"]))
    outputs: list[tuple[str, list[int | str]]] = []
    for name, shape in (("boxes", [1, 3, 4]), ("classes", [1, 3]), ("scores", [1, 3]), ("count", [1])):
        output = "num_detections:0" if name == "count" else f"detection_{name}:0"
        nodes.append(helper.make_node("Identity", [f"{name}_"], [output]))
        outputs.append((output, [*shape]))
    image: list[int | str] = ["batch", size, size, 3]
    return _write(path, nodes, image, outputs, constants, name="image_tensor:0", kind=TensorProto.UINT8)


def _write(
    path: Path,
    nodes: list[onnx.NodeProto],
    image: list[int | str],
    outputs: list[tuple[str, list[int | str]]],
    constants: list[onnx.TensorProto],
    *,
    name: str = "image",
    kind: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, image)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape) for output, shape in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=OPSETS, ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
