"""The tiny SSD as TensorFlow 2 freezes a SavedModel: scopes, calls, and a lowered loop over the images."""

from __future__ import annotations

import numpy as np

from ckssd.graph.attributes import DataType, Shape
from ckssd.graph.graph import Graph
from ckssd.graph.node import Output
from tests.graph.tiny_ssd import FLOATS, Builder, tiny_ssd

CALL = "StatefulPartitionedCall/"
LOOP = f"{CALL}map/while"
BODY = f"{LOOP}/body/_1/map/while"
OUTPUTS = (
    *("detection_anchor_indices", "detection_boxes", "detection_classes", "detection_multiclass_scores"),
    *("detection_scores", "num_detections", "raw_detection_boxes", "raw_detection_scores"),
)


def tiny_tf2(*, looped: bool = True, named: bool = False) -> Graph:
    """Build the graph.

    Parameters
    ----------
    looped
        As exporters of 2021 make it; else as those of 2020: the Preprocessor without a loop around it.
    named
        Whether the outputs have the names of the signature, as `ckssd mo --saved_model_dir` gives them.
    """
    build = Builder()
    build.graph = graph = tiny_ssd()
    ends = [graph.node(name) for name in ("detection_boxes", "detection_scores", "num_detections")]
    gathered = ends[0].inputs[0]
    assert gathered is not None
    graph.remove([node.name for node in graph if node.name.startswith("Preprocessor/")])
    graph.remove([node.name for node in ends])
    graph.rename("image_tensor", "input_tensor")
    graph.node("input_tensor").set_attribute("shape", Shape((1, -1, -1, 3)))
    # One image: nothing asks a tensor for the batch.
    graph.connect(
        build.const("Postprocessor/Tile/multiples", [1, 1, 1], np.int32), graph.node("Postprocessor/Tile"), 1
    )
    graph.remove(["Postprocessor/Shape"])
    boxes = build.op("Identity", "Postprocessor/raw_box_encodings", Output("Squeeze"), **FLOATS)
    graph.redirect(Output("Squeeze"), Output(boxes.name))
    graph.connect(Output("Squeeze"), boxes)
    graph.rename_all({node.name: CALL + node.name for node in graph if node.name != "input_tensor"})
    images, sizes = (_looped if looped else _straight)(build)
    graph.connect(images, graph.node(f"{CALL}features_0"))
    graph.connect(sizes, graph.node(f"{CALL}Postprocessor/Cast_1"))
    _outputs(build, Output(CALL + gathered.node), named=named)
    graph.prune([*(OUTPUTS if named else ("Identity", *(f"Identity_{k}" for k in range(1, 8))))])
    return graph


def _body(build: Builder, scope: str, pixels: Output) -> tuple[Output, Output]:
    """What the Preprocessor does to a batch: scale, subtract, resize each image."""
    factor = build.const(f"{scope}Preprocessor/mul/x", 1 / 127.5)
    scaled = build.op("Mul", f"{scope}Preprocessor/mul", factor, pixels, **FLOATS)
    less = build.const(f"{scope}Preprocessor/sub/y", 1.0)
    normalised = build.op("Sub", f"{scope}Preprocessor/sub", scaled, less, **FLOATS)
    one = build.op("Unpack", f"{scope}Preprocessor/unstack", normalised, **FLOATS, num=1, axis=0)
    axis = build.const(f"{scope}Preprocessor/ResizeImage/resize/ExpandDims/dim", 0, np.int32)
    batch = build.op("ExpandDims", f"{scope}Preprocessor/ResizeImage/resize/ExpandDims", one, axis, **FLOATS)
    size = build.const(f"{scope}Preprocessor/ResizeImage/stack", [4, 4], np.int32)
    name = f"{scope}Preprocessor/ResizeImage/resize/ResizeBilinear"
    resized = build.op("ResizeBilinear", name, batch, size, **FLOATS)
    name = f"{scope}Preprocessor/ResizeImage/resize/Squeeze"
    squeezed = build.op("Squeeze", name, resized, **FLOATS, squeeze_dims=[0])
    images = build.op("Pack", f"{scope}Preprocessor/stack", squeezed, **FLOATS, N=1, axis=0)
    shape = build.const(f"{scope}Preprocessor/ResizeImage/stack_1", [4, 4, 3], np.int32)
    sizes = build.op("Pack", f"{scope}Preprocessor/stack_1", shape, T=DataType.INT32, N=1, axis=0)
    return Output(images.name), Output(sizes.name)


def _straight(build: Builder) -> tuple[Output, Output]:
    return _body(build, CALL, Output(f"{CALL}Cast"))


def _looped(build: Builder) -> tuple[Output, Output]:
    """A loop with a list of images, one of results, and one of sizes, lowered."""
    build.graph.remove([f"{CALL}Cast"])
    argument = build.op("Identity", f"Func/{CALL}input/_0", Output("input_tensor"), T=DataType.UINT8)
    source = build.op("TensorListFromTensor", f"{CALL}map/TensorListFromTensor", argument)
    merges, conditions = {}, build.op("LoopCond", f"{LOOP}/LoopCond")
    for name in ("images", "results", "sizes"):
        begin = source if name == "images" else build.op("TensorListReserve", f"{CALL}map/{name}")
        enter = build.op("Enter", f"{LOOP}/enter/{name}", begin)
        merges[name] = build.graph.add("Merge", f"{LOOP}/merge/{name}", [enter, None])
    switches = {
        name: build.op("Switch", f"{LOOP}/switch/{name}", merge, conditions) for name, merge in merges.items()
    }
    lists = {name: Output(switch.name, 1) for name, switch in switches.items()}
    types = {"element_dtype": DataType.UINT8}
    element = build.op("TensorListGetItem", f"{BODY}/TensorListGetItem", lists["images"], **types)
    types = {"SrcT": DataType.UINT8, "DstT": DataType.FLOAT}
    pixels = build.op("Cast", f"{BODY}/Cast", element, **types)
    axis = build.const(f"{BODY}/strided_slice/axis", 0, np.int32)
    build.graph.add_control(element.name, axis.name)
    batch = build.op("ExpandDims", f"{BODY}/strided_slice", pixels, axis, **FLOATS)
    found = dict(zip(("results", "sizes"), _body(build, f"{BODY}/", Output(batch.name)), strict=True))
    stacks = []
    for name, kind in (("results", DataType.FLOAT), ("sizes", DataType.INT32)):
        one = build.op("Unpack", f"{BODY}/{name}", found[name], T=kind, num=1, axis=0)
        stored = build.op("TensorListSetItem", f"{BODY}/set_{name}", lists[name], axis, one)
        back = build.op("NextIteration", f"{LOOP}/next/{name}", stored)
        build.graph.connect(back, merges[name], 1)
        leave = build.op("Exit", f"{LOOP}/exit/{name}", switches[name])
        passed = build.op("StopGradient", f"{CALL}map/StopGradient_{name}", leave)
        stacks.append(build.op("TensorListStack", f"{CALL}map/stack_{name}", passed, element_dtype=kind))
    build.graph.connect(
        build.op("NextIteration", f"{LOOP}/next/images", lists["images"]), merges["images"], 1
    )
    build.graph.connect(merges["images"], conditions)
    return Output(stacks[0].name), Output(stacks[1].name)


def _outputs(build: Builder, gathered: Output, *, named: bool) -> None:
    waited = build.op("NoOp", "NoOp")
    one = build.const(f"{CALL}add/y", 1.0)
    classes = build.op("AddV2", f"{CALL}add", gathered, one, **FLOATS)
    for index, output in enumerate(OUTPUTS):
        tensor = Output(classes.name) if output == "detection_classes" else gathered
        suffix = f"_{index}" if index else ""
        inner = build.op("Identity", f"{CALL}Identity{suffix}", tensor, **FLOATS)
        passed = build.op("Identity", f"Func/{CALL}output/_{index}", inner, **FLOATS)
        outer = build.op("Identity", output if named else f"Identity{suffix}", passed, **FLOATS)
        build.graph.add_control(waited.name, outer.name)
