"""From an edited graph to OpenVINO's IR: conversion, checks, names, meta data.

The only file that knows openvino.
OpenVINO's TensorFlow frontend reads the edited GraphDef; DetectionOutput, which TensorFlow has not, is built
here when the frontend meets it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino
from openvino import opset8
from openvino._offline_transformations import apply_moc_transformations
from openvino.frontend.tensorflow import ConversionExtension

from ckssd.errors import CkssdError, InputError
from ckssd.graph.attributes import Shape
from ckssd.graph.emission.detection_output import (
    build_detection_output,
    check_detection_outputs,
    detection_outputs,
    dims,
)
from ckssd.graph.emission.hard_sigmoid import keep_sixths
from ckssd.graph.emission.image_size import native_priors
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import write_graph
from ckssd.graph.node import Output
from ckssd.graph.ssd.postprocessor import DETECTION_OUTPUT

NHWC = "NHWC"
RESULT = "ckssd_result"
META = "ckssd"
LAST_LINES = 3
# RuntimeError for nearly everything; UnicodeDecodeError, a ValueError, where its message quotes raw bytes.
OPENVINO_ERRORS = (RuntimeError, ValueError, TypeError)


@dataclass(frozen=True)
class Emission:
    """What the IR has to be, besides the graph.

    Attributes
    ----------
    outputs
        Names for the IR's outputs, and the tensors that they are.
    tensors
        ``image``: the placeholder; and what errors call the inputs of DetectionOutput.
    native_size, size
        Height and width that the graph's anchors are for, and those that the IR is for; None: unknown.
    reverse_channels
        Whether images come as BGR although the network was trained on RGB.
    """

    outputs: Mapping[str, Output]
    tensors: Mapping[str, Output]
    native_size: tuple[int, int] | None
    size: tuple[int, int] | None
    reverse_channels: bool


def convert_graph(graph: Graph, wanted: Emission) -> openvino.Model:
    """Return the edited graph as an OpenVINO model.

    Raises
    ------
    InputError
        If OpenVINO cannot convert it, or a tensor does not fit DetectionOutput.
    """
    names = _mark_outputs(graph, wanted.outputs)
    keep_sixths(graph)
    try:
        model = _converted(graph, names, wanted.tensors)
        if wanted.size and wanted.native_size and wanted.size != wanted.native_size:
            model = _at_other_size(graph, names, wanted, model)
        return _reversed(model) if wanted.reverse_channels else model
    except OPENVINO_ERRORS as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(
            "OpenVINO cannot convert the graph", where=graph.source, got=" | ".join(lines[-LAST_LINES:])
        ) from error


def _converted(
    graph: Graph,
    names: Mapping[str, str],
    tensors: Mapping[str, Output],
    priors_for: Callable[[Any], Any] | None = None,
) -> openvino.Model:
    model = _read(graph, tensors, priors_for)
    results = [_result(model, marker, name) for name, marker in names.items()]
    model = openvino.Model(results, model.get_parameters(), "ckssd")
    _name_inputs(model)
    _simplify(model)
    check_detection_outputs(model, tensors)
    return model


def _at_other_size(
    graph: Graph, names: Mapping[str, str], wanted: Emission, native: openvino.Model
) -> openvino.Model:
    """Convert once more, with images of another size and the anchors for it."""
    if wanted.native_size is None or wanted.size is None:
        return native
    found = [
        native_priors(each, wanted.native_size, wanted.tensors.get("priors", "priors"))
        for each in detection_outputs(native)
    ]
    image, size = graph.node(wanted.tensors["image"].node), wanted.size
    shape = image.attribute("shape")
    if isinstance(shape, Shape) and shape.dims is not None:
        image.set_attribute("shape", Shape((shape.dims[0], *size, shape.dims[3])))
    if not found:
        return _converted(graph, names, wanted.tensors)
    return _converted(graph, names, wanted.tensors, lambda locations: found[0].for_size(locations, size))


def _mark_outputs(graph: Graph, outputs: Mapping[str, Output]) -> dict[str, str]:
    """End every output in a node of its own, by whose name it is found again."""
    return {
        name: graph.add("Identity", f"{RESULT}_{index}", [tensor]).name
        for index, (name, tensor) in enumerate(outputs.items())
    }


def _read(
    graph: Graph, tensors: Mapping[str, Output], priors_for: Callable[[Any], Any] | None
) -> openvino.Model:
    """Let OpenVINO read the graph; an error of ours in between comes out as it was."""
    faults: list[CkssdError] = []

    def build(node: Any) -> list[Any]:
        try:
            return build_detection_output(node, tensors, priors_for)
        except CkssdError as error:
            faults.append(error)
            raise

    core = openvino.Core()
    core.add_extension(ConversionExtension(DETECTION_OUTPUT, build))
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        path = Path(folder) / "edited.pb"
        write_graph(graph, path)
        try:
            return core.read_model(path)
        except OPENVINO_ERRORS as error:
            if faults:
                raise faults[0] from error
            raise


def _result(model: openvino.Model, marker: str, name: str) -> Any:
    """A result for one output; the operation that gives it gets its name, too."""
    tensor = model.output(f"{marker}:0").get_node().input_value(0)
    if tensor.get_node().get_type_name() == DETECTION_OUTPUT:
        tensor.get_node().set_friendly_name(DETECTION_OUTPUT)
    tensor.get_tensor().set_names({name})
    result = opset8.result(tensor)
    result.set_friendly_name(f"{name}/sink_port_0")
    return result


def _name_inputs(model: openvino.Model) -> None:
    """Inputs keep the placeholders' names; images are in NHWC."""
    for parameter in model.get_parameters():
        name = parameter.get_friendly_name().removesuffix(":0")
        parameter.set_friendly_name(name)
        parameter.output(0).get_tensor().set_names({name})
        if len(parameter.get_partial_shape()) == len(NHWC):
            parameter.set_layout(openvino.Layout(NHWC))


def _simplify(model: openvino.Model) -> None:
    """Compute what depends on no input (the anchors above all), and fuse what belongs together.

    These are the steps that ``openvino.convert_model`` ends with. It is not called itself because it reports
    its use over the network, and loads its command-line tools, which takes a second.
    """
    apply_moc_transformations(model, cf=True)
    model.validate_nodes_and_infer_types()


def _reversed(model: openvino.Model) -> openvino.Model:
    """Let the model take its channels in the other order."""
    steps = openvino.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_layout(openvino.Layout(NHWC))
    steps.input().model().set_layout(openvino.Layout(NHWC))
    steps.input().preprocess().reverse_channels()
    return steps.build()


def set_meta(model: openvino.Model, meta: Mapping[str, str]) -> None:
    """Write texts into the model's rt_info, below ``ckssd``."""
    for key, value in meta.items():
        model.set_rt_info(value, [META, key])


def save(model: openvino.Model, path: Path, *, half: bool) -> None:
    """Write ``path`` (.xml) and the .bin beside it; weights as 16-bit floats if ``half``."""
    openvino.save_model(model, path, compress_to_fp16=half)


def described(model: openvino.Model) -> dict[str, Any]:
    """Return inputs, outputs and size of a model, for the report; -1 is a size that is not fixed."""
    return {
        "inputs": {each.get_any_name(): dims(each) for each in model.inputs},
        "outputs": {each.get_any_name(): dims(each) for each in model.outputs},
        "operations": len(model.get_ops()),
        "openvino": openvino.get_version(),
    }
