"""Operations that do exactly TensorFlow's NMS, in DetectionOutput's place and with its inputs and output.

NonMaxSuppression (opset 9) selects as tf.image.non_max_suppression_with_scores does: per class, with a limit,
soft or hard. What the Object Detection API does around it is here, too: boxes are decoded before it, clipped
to the image behind it, those without an area dropped, and the best of all classes kept
(core/post_processing.py, multiclass_non_max_suppression and class_agnostic_non_max_suppression).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset8, opset9, opset11

from ckssd.errors import InputError
from ckssd.graph.emission.detection_output import classes_of, constant_priors, detection_outputs, dims
from ckssd.graph.settings import NMS_SCOPE

ROW = 7  # image_id, label, score, xmin, ymin, xmax, ymax
INVALID = -1.0


@dataclass(frozen=True)
class Limits:
    """Thresholds and limits of NMS; see ckssd.graph.ssd.suppression.Suppression."""

    score_threshold: float
    iou_threshold: float
    per_class: int
    total: int
    soft_sigma: float
    class_agnostic: bool
    drops_empty: bool


def with_nms(model: openvino.Model, limits: Limits, source: str) -> openvino.Model:
    """Put NMS in the place of the model's DetectionOutput.

    The output is DetectionOutput's: rows image, label, score, xmin, ymin, xmax, ymax as [1, 1, N * total, 7],
    the best of an image first, the images in order; behind them the rows' image is -1.

    Raises
    ------
    InputError
        The graph has no DetectionOutput or several, its anchors depend on the image, or its batch is open.
    """
    found, classes = detection_outputs(model), classes_of(model)
    if len(found) != 1 or classes is None:
        raise InputError(
            "There is no postprocessing to replace",
            where=source,
            expected="one DetectionOutput after the replacements",
            got=str(len(found)),
        )
    operation = found[0]
    batch = (dims(operation.input_value(0)) or [-1])[0]
    if batch < 1:
        raise InputError(
            "The number of images is open",
            where=source,
            expected="a fixed number of images",
            advice="state it: --batch 1",
        )
    before = {each.get_friendly_name() for each in model.get_ops()}
    locations, confidences, priors = (operation.input_value(index) for index in range(3))
    rows = _Builder(batch, classes - 1, limits).rows(
        locations, confidences, constant_priors(priors, source, "take --postprocessing detection_output")
    )
    names = operation.output(0).get_tensor().get_names()
    operation.output(0).replace(rows.output(0))
    rows.output(0).get_tensor().set_names(names)
    model.validate_nodes_and_infer_types()
    # OpenVINO numbers new operations through the whole process: an IR's names would be others each time.
    added = [each for each in model.get_ordered_ops() if each.get_friendly_name() not in before]
    for number, each in enumerate(added):
        each.set_friendly_name(f"{NMS_SCOPE}/{each.get_type_name()}_{number}")
    return model


def decode(encodings: Any, anchors: npt.NDArray[np.float32], variances: npt.NDArray[np.float32]) -> Any:
    """Boxes [N, P, 4] (ymin, xmin, ymax, xmax) of encodings [N, P, 4] (tx, ty, tw, th).

    ``anchors`` [P, 4] are xmin, ymin, xmax, ymax; ``variances`` [4] those of x, y, w, h.
    Object Detection API, box_coders/faster_rcnn_box_coder.py.
    """
    corners = anchors.astype(np.float32)
    sizes = corners[:, [3, 2]] - corners[:, [1, 0]]  # y before x from here on
    centres = corners[:, [1, 0]] + sizes / np.float32(2)
    scales = (np.float32(1) / variances.astype(np.float32)).astype(np.float32)
    offsets, stretches = (
        opset8.gather(encodings, np.array(order, np.int64), np.array(2, np.int64))
        for order in ([1, 0], [3, 2])
    )
    offsets = opset8.divide(offsets, scales[[1, 0]])
    stretches = opset8.divide(stretches, scales[[3, 2]])
    middles = opset8.add(opset8.multiply(offsets, sizes), centres)
    halves = opset8.divide(opset8.multiply(opset8.exp(stretches), sizes), np.array([2], np.float32))
    return opset8.concat([opset8.subtract(middles, halves), opset8.add(middles, halves)], 2)


class _Builder:
    """The operations for one number of images and classes (without background)."""

    def __init__(self, batch: int, classes: int, limits: Limits) -> None:
        self._batch, self._classes, self._limits = batch, classes, limits

    def rows(self, locations: Any, confidences: Any, priors: npt.NDArray[np.float32]) -> Any:
        """What stands in for DetectionOutput with these inputs; ``priors`` [2, P, 4]."""
        anchors, variances = priors[0], priors[1][0]
        number = len(anchors)
        encodings = opset8.reshape(locations, _shape(self._batch, number, 4), special_zero=False)
        boxes = decode(encodings, anchors, variances)
        scores = self._scores(confidences, number)
        flat_boxes = opset8.reshape(boxes, _shape(self._batch * number, 4), special_zero=False)
        labels = None
        if self._limits.class_agnostic:
            best = opset11.topk(scores, np.array(1, np.int64), 1, "max", "none", "i64")
            scores = best.output(0)
            labels = opset8.reshape(best.output(1), _shape(-1), special_zero=False)
        return self._best(self._selected(boxes, scores, number), flat_boxes, labels, number)

    def _scores(self, confidences: Any, number: int) -> Any:
        """[N, classes, P], without the background."""
        per_anchor = opset8.reshape(
            confidences, _shape(self._batch, number, self._classes + 1), special_zero=False
        )
        foreground = opset8.slice(per_anchor, _shape(1), _shape(self._classes + 1), _shape(1), _shape(2))
        return opset8.transpose(foreground, _shape(0, 2, 1))

    def _selected(self, boxes: Any, scores: Any, number: int) -> Any:
        """NonMaxSuppression: [M, 3] of image, class and anchor; [M, 3] with the score last."""
        limits = self._limits
        # Classes in turn, each with its best first: ties are broken as TensorFlow breaks them.
        return opset9.non_max_suppression(
            boxes,
            scores,
            np.array(min(limits.total if limits.class_agnostic else limits.per_class, number), np.int64),
            _iou_threshold(limits),
            np.array(limits.score_threshold, np.float32),
            np.array(limits.soft_sigma, np.float32),
            box_encoding="corner",
            sort_result_descending=False,
            output_type="i64",
        )

    def _best(self, selected: Any, flat_boxes: Any, labels: Any, number: int) -> Any:
        """The best of each image as rows [1, 1, N * total, 7]."""
        keep = min(self._limits.total, number * self._classes)
        image, label, anchor = (_column(selected.output(0), index) for index in range(3))
        place = opset8.maximum(
            opset8.add(opset8.multiply(image, np.array(number, np.int64)), anchor), np.array(0, np.int64)
        )
        if labels is not None:
            label = opset8.gather(labels, place, np.array(0, np.int64))
        boxes = opset8.clamp(opset8.gather(flat_boxes, place, np.array(0, np.int64)), 0.0, 1.0)
        score = _column(selected.output(1), 2)
        if self._limits.drops_empty:
            score = opset8.select(_has_area(boxes), score, np.array(INVALID, np.float32))
        numbers = opset8.convert(opset8.add(label, np.array(1, np.int64)), "f32")
        swapped = opset8.gather(boxes, _shape(1, 0, 3, 2), np.array(1, np.int64))
        columns = opset8.concat([_as_column(numbers), _as_column(score), swapped], 1)
        # As many rows as are wanted must be there to choose from.
        spare = np.zeros((keep, ROW - 1), np.float32)
        spare[:, 1] = INVALID
        candidates = opset8.concat([columns, opset8.constant(spare)], 0)
        images = opset8.concat([image, opset8.constant(np.full(keep, -1, np.int64))], 0)
        return self._in_order(candidates, images, keep)

    def _in_order(self, candidates: Any, images: Any, keep: int) -> Any:
        ids = np.arange(self._batch, dtype=np.int64).reshape(-1, 1)
        mine = opset8.equal(opset8.unsqueeze(images, np.array(0, np.int64)), ids)
        scores = opset8.unsqueeze(_column(candidates, 1), np.array(0, np.int64))
        competing = opset8.select(mine, scores, np.array(INVALID, np.float32))
        best = opset11.topk(competing, np.array(keep, np.int64), 1, "max", "value", "i64", stable=True)
        chosen = opset8.reshape(best.output(1), _shape(-1), special_zero=False)
        valid = opset8.reshape(
            opset8.greater(best.output(0), np.array(INVALID, np.float32)), _shape(-1, 1), special_zero=False
        )
        values = opset8.select(
            valid, opset8.gather(candidates, chosen, np.array(0, np.int64)), np.array(0, np.float32)
        )
        numbers = np.repeat(ids, keep, axis=0).astype(np.float32)
        image = opset8.select(valid, numbers, np.array(INVALID, np.float32))
        rows = opset8.concat([image, values], 1)
        if self._batch > 1:  # whoever reads them stops at the first without an image
            order = opset11.topk(
                opset8.convert(valid, "f32"),
                np.array(keep * self._batch, np.int64),
                0,
                "max",
                "value",
                "i64",
                stable=True,
            )
            rows = opset8.gather(
                rows, opset8.reshape(order.output(1), _shape(-1), special_zero=False), np.array(0, np.int64)
            )
        return opset8.reshape(rows, _shape(1, 1, -1, ROW), special_zero=False)


def _iou_threshold(limits: Limits) -> npt.NDArray[np.float32]:
    """OpenVINO's hard NMS drops a box at the threshold, TensorFlow's beyond it: so it gets the next number.

    Soft NMS is alike in both. The next one to 0 would be computed with as 0.
    """
    threshold = np.float32(limits.iou_threshold)
    beyond = max(np.nextafter(threshold, np.float32(2)), np.finfo(np.float32).tiny)
    return np.array(threshold if limits.soft_sigma else beyond, np.float32)


def _has_area(boxes: Any) -> Any:
    ymin, xmin, ymax, xmax = (_column(boxes, index) for index in range(4))
    area = opset8.multiply(opset8.subtract(ymax, ymin), opset8.subtract(xmax, xmin))
    return opset8.greater(area, np.array(0, np.float32))


def _column(tensor: Any, index: int) -> Any:
    """One column of a table, as a vector."""
    return opset8.gather(tensor, np.array(index, np.int64), np.array(1, np.int64))


def _as_column(vector: Any) -> Any:
    return opset8.unsqueeze(vector, np.array(1, np.int64))


def _shape(*sizes: int) -> npt.NDArray[np.int64]:
    return np.array(sizes, np.int64)
