"""What comes behind a network without NMS, whatever runs it: scores, boxes, and this project's own NMS."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ckssd.detect.boxes import read_anchors
from ckssd.detect.detections import Detections, clipped
from ckssd.detect.laps import POSTPROCESSING, lap
from ckssd.detect.nms import postprocess
from ckssd.detect.scores import Scores
from ckssd.errors import InputError, UsageError
from ckssd.model.description import Model
from ckssd.tflite.activation import HasOutputs, class_output
from ckssd.tflite.model import POSTPROCESS
from ckssd.tflite.options import PostProcessOptions

BY = "ckssd.detect.nms (NumPy)"
OUTPUT_TYPES = ("float32", "uint8", "int8")

Values = npt.NDArray[np.float32]


class NetworkFile(HasOutputs, Protocol):
    """A model of any format, with the file that it came from."""

    @property
    def path(self) -> Path:
        """The file."""


@dataclass(frozen=True)
class OwnPostprocessing:
    """Box encodings and class predictions to detections.

    ``anchors`` float32 [A, 4]: ycenter, xcenter, h, w. ``options``: what the postprocessing operator would be
    told; further ones run on the same outputs, for ``Detections.others``. ``scores``: how the class
    predictions become scores.
    """

    anchors: Values
    options: tuple[PostProcessOptions, ...]
    scores: Scores

    def detections(self, encodings: Values, predictions: Values) -> Detections:
        """Detections in one image, of encodings [1, A, 4] and predictions [1, A, C]."""
        with lap(POSTPROCESSING):
            scores = self.scores.of(predictions)
            first, *others = (
                clipped(*postprocess(encodings, scores, self.anchors, options)) for options in self.options
            )
        return dataclasses.replace(first, others=tuple(others)) if others else first

    def with_thresholds(self, score: float, ious: tuple[float, ...]) -> OwnPostprocessing:
        """The same with another score threshold, once for each IoU threshold."""
        lowered = dataclasses.replace(self.options[0], nms_score_threshold=score)
        options = tuple(dataclasses.replace(lowered, nms_iou_threshold=iou) for iou in ious)
        return dataclasses.replace(self, options=options)


def own_postprocessing(model: Model, scores: Scores) -> OwnPostprocessing:
    """What the description of a model without NMS says of it.

    Raises
    ------
    UsageError
        It says nothing.
    InputError
        The file of anchors is none.
    """
    if model.own_nms is None:
        raise UsageError("own_nms is not set", advice="a graph without NMS needs anchors and options")
    return OwnPostprocessing(read_anchors(Path(model.own_nms.anchors)), (model.own_nms.options,), scores)


def files_of(model: Model) -> tuple[Path, ...]:
    """The graph and its anchors, which a graph with NMS has in it."""
    return (model.file, *(() if model.own_nms is None else (Path(model.own_nms.anchors),)))


def check_outputs(file: NetworkFile, anchors: Values, options: PostProcessOptions) -> None:
    """Raise an InputError if the outputs are not those that the anchors and the classes ask for."""
    number, classes = len(anchors), options.num_classes
    shapes = [tensor.shape for tensor in file.outputs]
    if class_output(file) == 0:
        shapes.reverse()
    fitting = [[(1, number, 4), (1, number, classes + background)] for background in (0, 1)]
    if shapes not in fitting or any(tensor.dtype not in OUTPUT_TYPES for tensor in file.outputs):
        raise InputError(
            "The model has not the outputs of a graph without NMS",
            where=file.path,
            expected=f"{', '.join(OUTPUT_TYPES)} [1, {number}, 4] and [1, {number}, {classes + 1}], "
            f"for {number} anchors and {classes} classes",
            got=", ".join(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in file.outputs),
            advice=f"a graph that ends in {POSTPROCESS} runs with USE_NMS=regular or fast",
        )
