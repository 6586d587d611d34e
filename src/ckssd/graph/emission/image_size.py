"""Another image size than the graph's: the network is reshaped, and the anchors are put on its new grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset8

from ckssd.errors import InputError
from ckssd.graph.emission.detection_output import check_detection_outputs, detection_outputs, dims
from ckssd.graph.graph import Output
from ckssd.graph.ssd.anchors import Grid, anchors_for_size

Size = tuple[int, int]


def change_image_size(model: openvino.Model, native: Size, size: Size, tensors: Mapping[str, Output]) -> None:
    """Give the model another image size, and each DetectionOutput the anchors for it.

    Parameters
    ----------
    native, size
        Height and width now, and wanted.
    tensors
        What errors call the inputs of DetectionOutput.

    Raises
    ------
    InputError
        If the network cannot take this size, or its anchors do not lie on grids.
    """
    operations = detection_outputs(model)
    priors = [_constant_priors(each, tensors) for each in operations]
    old_grids = [_grids(each) for each in operations]
    # The anchors of the old size would not fit the network of the new one: they are away in between.
    stand_ins = [opset8.parameter([1, 2, -1], np.float32) for _ in operations]
    for operation, stand_in in zip(operations, stand_ins, strict=True):
        operation.input(2).replace_source_output(stand_in.output(0))
    image = model.get_parameters()[0]
    model.add_parameters(stand_ins)
    _reshape(model, image, size)
    for operation, stand_in, old, boxes in zip(operations, stand_ins, old_grids, priors, strict=True):
        anchors = anchors_for_size(boxes[0], old, _grids(operation), native, size)
        variances = np.broadcast_to(boxes[1][:1], anchors.shape)
        fresh = opset8.constant(np.stack([anchors, variances]).reshape(1, 2, -1).astype(np.float32))
        operation.input(2).replace_source_output(fresh.output(0))
        model.remove_parameter(stand_in)
    model.validate_nodes_and_infer_types()
    check_detection_outputs(model, tensors)


def _constant_priors(operation: Any, tensors: Mapping[str, Output]) -> npt.NDArray[np.float32]:
    """Anchors and variances [2, P, 4] of a DetectionOutput."""
    constant = operation.input_value(2).get_node()
    if constant.get_type_name() != "Constant":
        raise InputError(
            "The anchors depend on the image", where=tensors.get("priors", "priors"), expected="constants"
        )
    return np.asarray(constant.get_data().reshape(2, -1, 4), np.float32)


def _reshape(model: openvino.Model, image: Any, size: Size) -> None:
    batch, _, _, channels = dims(image.output(0)) or (1, 0, 0, 3)
    try:
        model.reshape({image.output(0): openvino.PartialShape([batch, *size, channels])})
    except RuntimeError as error:
        raise InputError(
            "The network cannot take this image size",
            where="--input_shape",
            got=str(error).strip().splitlines()[-1],
        ) from error


def _grids(operation: Any) -> list[Grid]:
    """The feature maps behind DetectionOutput's locations, in the order they are concatenated in."""
    concat = _first_of_type(operation.input_value(0).get_node(), ("Concat",))
    found = []
    for source in concat.input_values():
        convolution = _first_of_type(source.get_node(), ("Convolution", "GroupConvolution"))
        _, _, height, width = convolution.output(0).get_shape()
        values = int(np.prod(source.get_shape()[1:]))
        found.append(Grid(height, width, values // (4 * height * width)))
    return found


def _first_of_type(node: Any, types: Sequence[str]) -> Any:
    """Follow the first inputs up to an operation of one of these types."""
    while node.get_type_name() not in types:
        if node.get_input_size() == 0:
            raise InputError(
                "The feature maps are not where they are in an SSD",
                where=node.get_friendly_name(),
                expected=" or ".join(types),
                got=node.get_type_name(),
            )
        node = node.input_value(0).get_node()
    return node
