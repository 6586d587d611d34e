"""An IR without postprocessing: what DetectionOutput would be fed, as outputs, for an NMS outside the graph.

The anchors, which depend on no image, come along as a third output, so that one IR has all that NMS needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from openvino import opset8

from ckssd.errors import InputError
from ckssd.graph.emission.detection_output import constant_priors, detection_outputs, dims

BOXES, CLASSES, ANCHORS = "box_encodings", "class_predictions", "anchors"
# DetectionOutput has x before y.
SWAPPED = np.array([1, 0, 3, 2], np.int64)


def without_detection_output(model: openvino.Model, source: str) -> openvino.Model:
    """Return the model with the outputs BOXES [1, A, 4], CLASSES [1, A, C] and ANCHORS [A, 4].

    BOXES are ty, tx, th, tw; CLASSES are scores, the background first; ANCHORS ycenter, xcenter, h, w.

    Raises
    ------
    InputError
        The graph has no DetectionOutput or several, or its anchors depend on the image.
    """
    found = detection_outputs(model)
    if len(found) != 1:
        raise InputError(
            "There is no postprocessing to take out",
            where=source,
            expected="one DetectionOutput after the replacements",
            got=str(len(found)),
        )
    locations, confidences, priors = (found[0].input_value(index) for index in range(3))
    anchors = _anchors(priors, source)
    count = len(anchors)
    per_box = opset8.reshape(locations, np.array([-1, count, 4], np.int64), special_zero=False)
    per_anchor = np.array([-1, count, _classes(confidences, count)], np.int64)
    outputs = {
        BOXES: opset8.gather(per_box, SWAPPED, np.array(2, np.int64)),
        CLASSES: opset8.reshape(confidences, per_anchor, special_zero=False),
        ANCHORS: opset8.constant(anchors),
    }
    results = []
    for name, node in outputs.items():
        node.output(0).get_tensor().set_names({name})
        result = opset8.result(node)
        result.set_friendly_name(f"{name}/sink_port_0")
        results.append(result)
    return openvino.Model(results, model.get_parameters(), "ckssd")


def _anchors(priors: Any, source: str) -> np.ndarray[Any, Any]:
    """Centres and sides of the corners in the first row of a DetectionOutput's third input, [1, 2, A * 4]."""
    priors = constant_priors(priors, source, "leave --postprocessing none out")
    corners = priors[0].astype(np.float64)
    low, high = corners[:, 1::-1], corners[:, 3:1:-1]
    return np.concatenate([(low + high) / 2, high - low], axis=1).astype(np.float32)


def _classes(confidences: Any, count: int) -> int:
    shape = dims(confidences)
    return shape[1] // count if shape and shape[1] > 0 else -1
