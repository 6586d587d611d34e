"""ONNX graphs run by ONNX Runtime: networks with this project's NMS, and whole graphs with their own.

A whole graph's settings are those of the ``pipeline.config`` beside it; of one that came without, what its
NonMaxSuppression operators say.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ckssd.detect.backends import Feeding, PostProcessing
from ckssd.detect.backends.raw import RawBackend, RawGraph
from ckssd.detect.backends.tensorflow import NMS, SCALES, Facts, facts_in_pipeline
from ckssd.detect.network_input import NetworkInput, image_input, other_input
from ckssd.detect.onnx import OnnxDetector, RawOnnxDetector
from ckssd.errors import InputError, UsageError
from ckssd.graph.pipeline import read_pipeline
from ckssd.model.beside import find_pipeline
from ckssd.model.description import Model
from ckssd.onnx.facts import class_activation, precision_of, settings_of_nms
from ckssd.onnx.model import OPEN, OnnxModel, graph_nms, read_onnx

IMAGE_TYPES = ("uint8", "float32")
BY_GRAPH = "the graph's own Postprocessor"


class OnnxBackend:
    """A whole graph of the Object Detection API, converted."""

    libraries = ("onnxruntime",)

    def __init__(self, model: Model, file: OnnxModel) -> None:
        facts, notes = facts_of(model, file)
        height, width = facts.size
        self.files = (model.file,)
        # Its own resizer has nothing left to do with an image that is padded already.
        self.input = NetworkInput(width, height, _image_type(file), aspect=facts.aspect)
        self.notes = (*model.notes, *notes)
        self.num_classes = facts.num_classes
        self.precision = precision_of(file)
        self.postprocessing = dataclasses.replace(facts.postprocessing, by=BY_GRAPH)
        self._model = file

    def new_detector(self, threads: int) -> OnnxDetector:
        """Load the graph once more."""
        return OnnxDetector(self._model, threads)


def open_raw(model: Model) -> RawBackend:
    """Read a graph that ends in box encodings and class predictions; raises as open_model does."""
    file = read_onnx(model.file).for_one_image()
    graph = RawGraph(
        outputs=file,
        input=image_input(file, normalize=model.normalize),
        activation=class_activation(file),
        precision=precision_of(file),
        libraries=("onnxruntime",),
        detector=lambda own, threads: RawOnnxDetector(file, own, threads),
    )
    return RawBackend(model, graph)


def open_model(model: Model, feeding: Feeding) -> RawBackend | OnnxBackend:
    """Read a model; NMS is this project's where the graph has none.

    Raises
    ------
    InputError
        The file is no ONNX graph of an SSD, or does not say all that a run must know.
    UsageError
        ``tf1`` is asked for, which a whole graph would round, or what was stated does not fit.
    """
    if model.nms == "none":
        return open_raw(model)
    if feeding.resize == "tf1":
        raise UsageError(
            "CK_RESIZE has no value that can be used",
            where=model.file,
            expected="pillow or opencv, or a graph without NMS: this one takes whole grey levels",
            got="tf1",
        )
    file = read_onnx(model.file)
    if graph_nms(file) != model.nms:
        raise UsageError("The graph has no NMS of its own", where=model.file, expected="USE_NMS=none")
    return OnnxBackend(model, file)


def facts_of(model: Model, file: OnnxModel) -> tuple[Facts, tuple[str, ...]]:
    """What a run must know of a whole graph, and a note on what was assumed.

    Raises
    ------
    InputError
        Neither a ``pipeline.config`` beside it nor the graph says it.
    """
    config = find_pipeline(model.file)
    size, settings = _size(model, file), settings_of_nms(file)
    if config is not None:
        facts = facts_in_pipeline(read_pipeline(config))
        _refuse_another(config, facts, settings, model)
        _refuse_open_size(config, facts)
        return facts, ()
    if size is None or settings is None:
        lacking = "the size of its image" if size is None else "the settings of its NMS"
        raise InputError(
            f"The graph does not say {lacking}",
            where=model.file,
            expected="the pipeline.config that it was exported with, beside it",
            advice="or state the size: --env CK_ENV_ONNX_MODEL_IMAGE_WIDTH=… and …_IMAGE_HEIGHT=…"
            if size is None
            else None,
        )
    score, iou, classes = settings
    limit = int(NMS["max_total_detections"])
    y, x, height, width = SCALES.values()
    done = PostProcessing(BY_GRAPH, "regular", score, iou, limit, limit, 1, (y, x, height, width))
    return Facts(size, classes, done), (
        f"neither a pipeline.config nor the graph says how many detections NMS keeps; assumed: {limit}",
    )


def _refuse_open_size(config: Path, facts: Facts) -> None:
    if facts.aspect is not None and not facts.aspect.padded:
        raise InputError(
            "The graph resizes images to no fixed size",
            where=config,
            expected="fixed_shape_resizer, or keep_aspect_ratio_resizer with pad_to_max_dimension: true",
            got=str(facts.aspect),
            advice="TensorFlow runs it: --runtime tensorflow",
        )


def _refuse_another(
    config: Path, facts: Facts, settings: tuple[float, float, int] | None, model: Model
) -> None:
    """Raise an InputError for a configuration of another number of classes: labels are held against it."""
    if settings is not None and settings[-1] != facts.num_classes:
        raise InputError(
            "The pipeline.config beside the graph is of another model",
            where=config,
            expected=f"num_classes {settings[-1]}, as {model.file.name} has",
            got=f"num_classes {facts.num_classes}",
            advice="put the one there that the graph was exported with, or none: then its operators count",
        )


def _size(model: Model, file: OnnxModel) -> tuple[int, int] | None:
    """Height and width: the graph's where they are not open, else those that were stated."""
    height, width = file.inputs[0].shape[1:3]
    if OPEN not in (height, width):
        return height, width
    if model.image_height is None or model.image_width is None:
        return None
    return model.image_height, model.image_width


def _image_type(file: OnnxModel) -> str:
    shape = file.inputs[0].shape if len(file.inputs) == 1 else ()
    if len(shape) != 4 or shape[3] not in (3, OPEN) or file.inputs[0].dtype not in IMAGE_TYPES:
        raise other_input(file, f"one tensor [1, height, width, 3], {' or '.join(IMAGE_TYPES)}")
    return file.inputs[0].dtype
