"""DetectionOutput in OpenVINO: built from the edited graph's node, and its inputs checked.

Reference: https://docs.openvino.ai, DetectionOutput-8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset8

from ckssd.errors import InputError
from ckssd.graph.node import Output
from ckssd.graph.ssd.limits import FLAGS, NUMBERS
from ckssd.graph.ssd.postprocessor import DETECTION_OUTPUT


def build_detection_output(
    node: Any, tensors: Mapping[str, Output], priors_for: Callable[[Any], Any] | None = None
) -> list[Any]:
    """Return the outputs of a DetectionOutput for a node that the TensorFlow frontend meets.

    Parameters
    ----------
    node
        The frontend's view of the edited graph's node.
    tensors
        What errors call its inputs.
    priors_for
        Gives other priors than the graph's, from the tensor of locations.
    """
    inputs = [node.get_input(index) for index in range(3)]
    if priors_for is not None:
        inputs[2] = priors_for(inputs[0])
    check_shapes([dims(each) for each in inputs], tensors)
    confidence, iou, top_k, keep_top_k = (node.get_attribute(name) for name in NUMBERS)
    attributes = {
        "background_label_id": 0,
        "top_k": int(top_k),
        "keep_top_k": [int(keep_top_k)],
        "nms_threshold": float(iou),
        "confidence_threshold": float(confidence),
        "code_type": node.get_attribute("code_type"),
        "variance_encoded_in_target": False,
        "share_location": True,
        "decrease_label_id": False,
        "normalized": True,
        "input_height": 1,
        "input_width": 1,
        **{name: bool(node.get_attribute(name)) for name in FLAGS},
    }
    return list(opset8.detection_output(*inputs, attributes).outputs())


def check_shapes(shapes: Sequence[Sequence[int] | None], tensors: Mapping[str, Output]) -> None:
    """Check what DetectionOutput asks of its inputs; sizes that are not known yet (-1) pass.

    Parameters
    ----------
    shapes
        Of locations [#batch, #priors * 4], confidences [#batch, #priors * #classes], and priors
        [1 or #batch, 2, #priors * 4].
    tensors
        The graph's names for them.

    Raises
    ------
    InputError
        Names the tensor.
    """
    locations, confidences, priors = shapes
    sides = locations[1] if locations is not None and len(locations) == 2 else None
    if sides is None or (sides > 0 and sides % 4) or sides == 0:
        raise _misfit("locations", "[#batch, #priors * 4]", locations, tensors)
    if priors is None or len(priors) != 3 or priors[1] not in (2, -1) or not _same(priors[2], sides):
        raise _misfit("priors", f"[1, 2, {_size(sides)}]", priors, tensors)
    count = sides // 4
    if confidences is None or len(confidences) != 2 or not _same(confidences[0], locations[0]):  # type: ignore[index]
        raise _misfit("confidences", "[#batch, #priors * #classes]", confidences, tensors)
    scores = confidences[1]
    if count > 0 and scores >= 0 and (scores % count or scores < 2 * count):
        raise _misfit(
            "confidences", f"[#batch, {count} * #classes], the background included", confidences, tensors
        )


def _same(one: int, other: int) -> bool:
    return one == other or one < 0 or other < 0


def _size(number: int) -> str:
    return "?" if number < 0 else str(number)


def _misfit(name: str, expected: str, got: Sequence[int] | None, tensors: Mapping[str, Output]) -> InputError:
    return InputError(
        "A tensor has not the shape that DetectionOutput needs",
        where=f"{name}, from {tensors[name]}" if name in tensors else name,
        expected=expected,
        got="an unknown rank" if got is None else f"[{', '.join(map(_size, got))}]",
    )


def dims(output: Any) -> list[int] | None:
    """Return a partial shape as numbers; -1 for an unknown size."""
    shape = output.get_partial_shape()
    if shape.rank.is_dynamic:
        return None
    return [-1 if each.is_dynamic else each.get_length() for each in shape]


def detection_outputs(model: openvino.Model) -> list[Any]:
    """Return the model's DetectionOutput operations."""
    return [each for each in model.get_ops() if each.get_type_name() == DETECTION_OUTPUT]


def constant_priors(priors: Any, source: str, otherwise: str) -> npt.NDArray[np.float32]:
    """Return the corners and variances [2, P, 4] of a DetectionOutput's third input, an output of the model.

    Raises
    ------
    InputError
        They are no constant; ``otherwise`` is what a person can do instead of stating the size.
    """
    node = priors.get_node()
    if node.get_type_name() != "Constant":
        raise InputError(
            "The anchors depend on the image",
            where=source,
            expected="a fixed size of images",
            advice=f"state it: --input_shape [1,300,300,3], or {otherwise}",
        )
    return np.asarray(node.get_data(), np.float32).reshape(2, -1, 4)


def check_detection_outputs(model: openvino.Model, tensors: Mapping[str, Output]) -> None:
    """Check the inputs of each; see :func:`check_shapes`."""
    for operation in detection_outputs(model):
        check_shapes([dims(operation.input_value(index)) for index in range(3)], tensors)


def classes_of(model: openvino.Model) -> int | None:
    """Return the number of classes with the background; None without a DetectionOutput."""
    for operation in detection_outputs(model):
        locations, confidences = (dims(operation.input_value(index)) for index in (0, 1))
        if locations and confidences and locations[1] > 0:
            return confidences[1] // (locations[1] // 4)
    return None
