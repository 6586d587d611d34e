"""A frozen graph run by TensorFlow itself; its settings are those of the ``pipeline.config`` beside it."""

from __future__ import annotations

from pathlib import Path

from ckssd.detect.frozen import FrozenGraphDetector
from ckssd.detect.network_input import NetworkInput
from ckssd.errors import InputError
from ckssd.graph.pipeline import Pipeline, read_pipeline
from ckssd.measure.backends import PostProcessing
from ckssd.measure.settings import BenchmarkSettings

BOX_CODER = ("model", "ssd", "box_coder", "faster_rcnn_box_coder")
# Defaults of the Object Detection API's messages (protos/post_processing.proto, faster_rcnn_box_coder.proto).
NMS = {
    "score_threshold": 0.0,
    "iou_threshold": 0.6,
    "max_detections_per_class": 100,
    "max_total_detections": 100,
}
SCALES = {"y_scale": 10.0, "x_scale": 10.0, "height_scale": 5.0, "width_scale": 5.0}


class FrozenGraphBackend:
    """A graph of ``export_inference_graph``; its own Preprocessor normalises."""

    libraries = ("tensorflow-cpu",)
    precision = "float32"
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, pipeline: Pipeline) -> None:
        size = pipeline.image_size()
        classes = pipeline.number("model", "ssd", "num_classes")
        if size is None or classes is None:
            raise InputError(
                "The pipeline configuration lacks what a run must know",
                where=pipeline.path,
                expected="num_classes and an image_resizer with fixed_shape_resizer",
            )
        self.files = (path,)
        self.input = NetworkInput(width=size[1], height=size[0], dtype="uint8")
        self.num_classes = int(classes)
        self.postprocessing = _postprocessing(pipeline)
        self._path = path

    def new_detector(self, threads: int) -> FrozenGraphDetector:
        """Load the graph once more, in a session of its own."""
        return FrozenGraphDetector(self._path, threads)


def _postprocessing(pipeline: Pipeline) -> PostProcessing:
    nms = {name: _stated(pipeline.nms(name), default) for name, default in NMS.items()}
    y, x, height, width = (
        _stated(pipeline.number(*BOX_CODER, name), default) for name, default in SCALES.items()
    )
    return PostProcessing(
        by="the graph's own Postprocessor",
        nms="regular",
        score_threshold=nms["score_threshold"],
        iou_threshold=nms["iou_threshold"],
        max_detections=int(nms["max_total_detections"]),
        detections_per_class=int(nms["max_detections_per_class"]),
        max_classes_per_detection=1,
        scales_yxhw=(y, x, height, width),
    )


def _stated(value: float | None, default: float) -> float:
    return default if value is None else value


def open_model(settings: BenchmarkSettings) -> FrozenGraphBackend:
    """Find what a run must know of the graph.

    Raises
    ------
    InputError
        The ``pipeline.config`` beside the graph is missing or lacks something.
    """
    return FrozenGraphBackend(settings.model, read_pipeline(settings.model.with_name("pipeline.config")))
