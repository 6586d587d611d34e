"""A tiny SSD graph with the structure and the node names of the Object Detection API's exporters.

One 4x4 image, two feature maps, five anchors, two classes and the background: enough for every replacer,
small enough for thousands of mutations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.graph import Graph
from ckssd.graph.node import Node, Output

FLOATS: dict[str, Any] = {"T": DataType.FLOAT}
ANCHORS = np.array(
    [
        [-0.05, -0.05, 0.55, 0.55],
        [-0.05, 0.45, 0.55, 1.05],
        [0.45, -0.05, 1.05, 0.55],
        [0.45, 0.45, 1.05, 1.05],
        [0.05, 0.05, 0.95, 0.95],
    ],
    np.float32,
)
CLASSES = 3


@dataclass(frozen=True)
class Layout:
    """What differs between exporters and models."""

    size_node: str | None = "Cast_1"
    slice_first: bool = False
    activation: str = "Sigmoid"
    logit_scale: float = 1.0
    scales: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    nms: dict[str, float] = field(
        default_factory=lambda: {"iou": 0.6, "score": 1e-8, "per_class": 100, "total": 100}
    )


LAYOUTS = {
    "legacy_ssd_support.json": Layout(size_node=None, slice_first=True),
    "ssd_v2_support.json": Layout(size_node="ToFloat"),
    "ssd_support_cast.json": Layout(size_node="Cast"),
    "ssd_support_cast_1.json": Layout(),
}


class Builder:
    """Adds nodes to a graph in few words."""

    def __init__(self) -> None:
        self.graph = Graph([], source="tiny")

    def const(self, name: str, value: object, dtype: type = np.float32) -> Node:
        return self.graph.add_constant(name, np.array(value, dtype))

    def op(self, op: str, name: str, *inputs: Node | Output, **attributes: Any) -> Node:
        return self.graph.add(op, name, inputs, attributes)

    def reshape(self, name: str, tensor: Node | Output, shape: list[int]) -> Node:
        return self.op("Reshape", name, tensor, self.const(f"{name}/shape", shape, np.int32), **FLOATS)


def tiny_ssd(layout: Layout = LAYOUTS["ssd_support_cast_1.json"], seed: int = 0) -> Graph:
    """Build the graph; weights are drawn from the seed."""
    build = Builder()
    image = build.op("Placeholder", "image_tensor", dtype=DataType.UINT8, shape=Shape((-1, -1, -1, 3)))
    pixels = build.op("Cast", "Cast", image, SrcT=DataType.UINT8, DstT=DataType.FLOAT)
    normalised, size = _preprocessor(build, pixels)
    boxes, predictions = _network(build, normalised, np.random.default_rng(seed))
    anchors = build.op("Identity", "Concatenate/concat", build.const("anchors", ANCHORS), **FLOATS)
    _postprocessor(build, layout, boxes, predictions, anchors, size)
    return build.graph


def _preprocessor(build: Builder, pixels: Node) -> tuple[Node, Node]:
    """A while loop over images, as map_fn makes it, and the arithmetic behind it."""
    scope = "Preprocessor/map"
    count = build.op("Shape", f"{scope}/Shape", pixels, **FLOATS)
    array = build.op("TensorArrayV3", f"{scope}/TensorArray", count, dtype=DataType.FLOAT)
    inner = build.op("Shape", f"{scope}/TensorArrayUnstack/Shape", pixels, **FLOATS)
    scatter = build.op(
        "TensorArrayScatterV3",
        f"{scope}/TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3",
        *(array, inner, pixels, Output(array.name, 1)),
        **FLOATS,
    )
    enter = build.op("Enter", f"{scope}/while/Enter", scatter, **FLOATS)
    merge = build.graph.add("Merge", f"{scope}/while/Merge", [enter, None], FLOATS)
    resize_to = build.const(f"{scope}/while/ResizeImage/stack", [4, 4], np.int32)
    resized = build.op(
        "ResizeBilinear", f"{scope}/while/ResizeImage/resize/ResizeBilinear", merge, resize_to, **FLOATS
    )
    back = build.op("NextIteration", f"{scope}/while/NextIteration", resized, **FLOATS)
    build.graph.connect(back, merge, 1)
    leave = build.op("Exit", f"{scope}/while/Exit", resized, **FLOATS)
    images = build.op("TensorArrayGatherV3", f"{scope}/TensorArrayStack/TensorArrayGatherV3", leave)
    sizes = build.op("TensorArrayGatherV3", f"{scope}/TensorArrayStack_1/TensorArrayGatherV3", leave)
    factor = build.const("Preprocessor/mul/x", 1 / 127.5)
    scaled = build.op("Mul", "Preprocessor/mul", factor, images, **FLOATS)
    return build.op(
        "Sub", "Preprocessor/sub", scaled, build.const("Preprocessor/sub/y", 1.0), **FLOATS
    ), sizes


def _network(build: Builder, image: Node, draws: np.random.Generator) -> tuple[Node, Node]:
    """Two feature maps (2x2 and 1x1) and a box and a class predictor on each."""
    found: dict[str, list[Node]] = {"Box": [], "Class": []}
    features = image
    for level in range(2):
        features = _convolution(build, f"features_{level}", features, 3, 2, draws)
        for kind, width in (("Box", 4), ("Class", CLASSES)):
            name = f"BoxPredictor_{level}/{kind}"
            predicted = _convolution(build, name, features, width, 1, draws)
            found[kind].append(_flattened(build, name, predicted, width))
    axis = build.const("concat/axis", 1, np.int32)
    types = {**FLOATS, "N": 2, "Tidx": DataType.INT32}
    boxes = build.op("ConcatV2", "concat", *found["Box"], axis, **types)
    predictions = build.op("ConcatV2", "concat_1", *found["Class"], axis, **types)
    return build.op("Squeeze", "Squeeze", boxes, **FLOATS, squeeze_dims=[2]), predictions


def _flattened(build: Builder, name: str, predicted: Node, width: int) -> Node:
    """Reshape to [batch, -1, (1,) width]; the batch is read from the tensor, as the exporters do it."""
    types = {**FLOATS, "out_type": DataType.INT32}
    shape = build.op("Shape", f"{name}/Shape", predicted, **types)
    bounds = [build.const(f"{name}/stack_{bound}", [bound], np.int32) for bound in (0, 1, 1)]
    types = {"T": DataType.INT32, "Index": DataType.INT32, "shrink_axis_mask": 1}
    batch = build.op("StridedSlice", f"{name}/batch", shape, *bounds, **types)
    sizes = [-1, 1, 4] if width == 4 else [-1, width]
    rest = [build.const(f"{name}/Reshape/shape/{index}", size, np.int32) for index, size in enumerate(sizes)]
    types = {"T": DataType.INT32, "N": len(rest) + 1, "axis": 0}
    target = build.op("Pack", f"{name}/Reshape/shape", batch, *rest, **types)
    return build.op("Reshape", f"{name}/Reshape", predicted, target, **FLOATS)


def _convolution(
    build: Builder, name: str, image: Node, width: int, stride: int, draws: np.random.Generator
) -> Node:
    weights = build.const(f"{name}/weights", draws.normal(size=(1, 1, 3, width)))
    return build.op(
        "Conv2D",
        name,
        *(image, weights),
        **FLOATS,
        strides=[1, stride, stride, 1],
        padding="SAME",
        data_format="NHWC",
    )


def _postprocessor(
    build: Builder, layout: Layout, boxes: Node, predictions: Node, anchors: Node, size: Node
) -> None:
    shape = build.op("Shape", "Postprocessor/Shape", boxes, **FLOATS)
    axis = build.const("Postprocessor/ExpandDims/dim", 0, np.int32)
    expanded = build.op("ExpandDims", "Postprocessor/ExpandDims", anchors, axis, **FLOATS)
    tiled = build.op("Tile", "Postprocessor/Tile", expanded, shape, **FLOATS)
    encodings = build.reshape("Postprocessor/Reshape_1", boxes, [-1, 4])
    decoded = _decode(build, layout, encodings, tiled)
    scores = _scores(build, layout, predictions)
    window = size
    if layout.size_node is not None:
        types = {"SrcT": DataType.INT32, "DstT": DataType.FLOAT}
        window = build.op("Cast", f"Postprocessor/{layout.size_node}", size, **types)
    _suppression(build, layout, decoded, scores, window if layout.size_node else decoded)


def _decode(build: Builder, layout: Layout, encodings: Node, anchors: Node) -> Node:
    parts = build.op("Unpack", "Postprocessor/Decode/unstack", encodings, **FLOATS, num=4, axis=1)
    divided = []
    for port, scale in enumerate(layout.scales):
        name = "Postprocessor/Decode/truediv" + (f"_{port}" if port else "")
        divisor = build.const(f"{name}/y", scale)
        part = build.op("RealDiv", name, Output(parts.name, port), divisor, **FLOATS)
        divided.append(build.op("Exp", f"{name}/Exp", part, **FLOATS) if port >= 2 else part)
    types = {**FLOATS, "N": 5, "axis": 1}
    return build.op("Pack", "Postprocessor/Decode/stack", *divided, anchors, **types)


def _scores(build: Builder, layout: Layout, predictions: Node) -> Node:
    def sliced(tensor: Node) -> Node:
        begin = build.const("Postprocessor/Slice/begin", [0, 0, 1], np.int32)
        length = build.const("Postprocessor/Slice/size", [-1, -1, -1], np.int32)
        return build.op("Slice", "Postprocessor/Slice", tensor, begin, length, **FLOATS, Index=DataType.INT32)

    tensor = sliced(predictions) if layout.slice_first else predictions
    scale = build.const("Postprocessor/scale_logits/y", layout.logit_scale)
    tensor = build.op("RealDiv", "Postprocessor/scale_logits", tensor, scale, **FLOATS)
    tensor = build.op(layout.activation, "Postprocessor/convert_scores", tensor, **FLOATS)
    return tensor if layout.slice_first else sliced(tensor)


def _suppression(build: Builder, layout: Layout, decoded: Node, scores: Node, window: Node) -> None:
    scope = "Postprocessor/BatchMultiClassNonMaxSuppression"
    limit = build.const(f"{scope}/Minimum/x", layout.nms["per_class"], np.int32)
    size = build.op("Minimum", f"{scope}/Minimum", limit, decoded, T=DataType.INT32)
    iou = build.const(f"{scope}/iou_threshold", layout.nms["iou"])
    score = build.const(f"{scope}/score_threshold", layout.nms["score"])
    chosen = [
        build.op(
            "NonMaxSuppressionV3",
            f"{scope}/nms_{number}/NonMaxSuppressionV3",
            decoded,
            scores,
            size,
            iou,
            score,
        )
        for number in range(1, CLASSES)
    ]
    total = build.const(f"{scope}/Minimum_1/x", layout.nms["total"], np.int32)
    kept = build.op("Minimum", f"{scope}/Minimum_1", total, chosen[0], T=DataType.INT32)
    # A Switch whose outputs nobody reads: what --output has to cut off.
    build.op("Switch", f"{scope}/PadOrClipBoxList/cond/switch_t", kept, kept, T=DataType.INT32)
    gathered = build.op("GatherV2", f"{scope}/Gather", decoded, kept, window)
    for name in ("detection_boxes", "detection_scores", "num_detections"):
        build.op("Identity", name, gathered, **FLOATS)


def soft(graph: Graph) -> None:
    """Make its NMS soft."""
    sigma = graph.add_constant("sigma", np.array(0.5, np.float32))
    for node in graph:
        if node.op == "NonMaxSuppressionV3":
            node.op = "NonMaxSuppressionV5"
            graph.connect(sigma, node, 5)


def class_agnostic(graph: Graph) -> None:
    """Let it take the best class of each box before it suppresses any."""
    axis = graph.add_constant("axis", np.array(2, np.int32))
    best = graph.add("ArgMax", "Postprocessor/best", [Output("Postprocessor/Slice"), axis])
    graph.connect(best, graph.node("detection_boxes"), 1)


def keep_aspect(graph: Graph, least: int = 3, most: int = 4, pad: tuple[float, ...] = ()) -> None:
    """Let its Preprocessor keep the aspect ratio, and pad to ``most`` where ``pad`` has three values.

    Built as core/preprocessor.py's resize_to_range of July 2020, as far as its structure tells.
    """
    build, scope = Builder(), "Preprocessor/map/while/ResizeToRange"
    build.graph = graph
    loop = "Preprocessor/map/while"
    sides = build.const(f"{scope}/sides", [least, most], np.int32)
    bounds = [build.const(f"{scope}/bound_{index}", [index], np.int32) for index in (0, 1, 1)]
    rows = build.op("StridedSlice", f"{scope}/rows", sides, *bounds, T=DataType.INT32)
    image = graph.node(f"{loop}/Merge")
    size = build.op("Shape", f"{scope}/Shape", image, **FLOATS)
    scales = [build.op("RealDiv", f"{scope}/truediv_{side}", rows, size, **FLOATS) for side in range(2)]
    scale = build.op("Minimum", f"{scope}/Minimum", *scales, **FLOATS)
    resize = graph.node(f"{loop}/ResizeImage/resize/ResizeBilinear")
    graph.connect(scale, resize, 1)
    graph.remove([f"{loop}/ResizeImage/stack"])
    if not pad:
        return
    channels = build.op("Unpack", f"{scope}/unstack", resize, **FLOATS, num=3, axis=2)
    room = build.op(
        "Sub", f"{scope}/sub", build.const(f"{scope}/sub/x", most, np.int32), size, T=DataType.INT32
    )
    padded = [
        build.op(
            "PadV2",
            f"{scope}/PadV2" + (f"_{index}" if index else ""),
            Output(channels.name, index),
            room,
            build.const(f"{scope}/value_{index}", value),
            **FLOATS,
        )
        for index, value in enumerate(pad)
    ]
    stack = build.op("Pack", f"{scope}/stack", *padded, **FLOATS, N=3, axis=2)
    for name in (f"{loop}/NextIteration", f"{loop}/Exit"):
        graph.connect(stack, graph.node(name), 0)
