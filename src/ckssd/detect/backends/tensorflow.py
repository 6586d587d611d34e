"""A frozen graph run by TensorFlow itself; its settings are those of the ``pipeline.config`` beside it.

Of a graph that came without one they are read from its nodes. A configuration of another number of classes
or another size than the nodes have is refused: labels are held against that number, so that another model's,
found in the same folder, would give wrong names without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ckssd.detect.backends import Feeding, PostProcessing
from ckssd.detect.frozen import INPUT, FrozenGraphDetector
from ckssd.detect.network_input import NetworkInput
from ckssd.errors import InputError, UsageError
from ckssd.graph.attributes import Shape
from ckssd.graph.graphdef import read_graph
from ckssd.graph.node import Node
from ckssd.graph.pipeline import Pipeline, read_pipeline
from ckssd.graph.resizer import AspectResizer, from_text
from ckssd.graph.tflite.plan import remade
from ckssd.graph.tflite.wanted import LIMITS, REGULAR, Wanted
from ckssd.model.beside import find_pipeline
from ckssd.model.description import Model

OWN_RESIZE = "the graph resizes the images itself: that time counts as detection, not as loading"
BOX_CODER = ("model", "ssd", "box_coder", "faster_rcnn_box_coder")
# Defaults of the Object Detection API's messages (protos/post_processing.proto, faster_rcnn_box_coder.proto).
NMS = {
    "score_threshold": 0.0,
    "iou_threshold": 0.6,
    "max_detections_per_class": 100,
    "max_total_detections": 100,
}
SCALES = {"y_scale": 10.0, "x_scale": 10.0, "height_scale": 5.0, "width_scale": 5.0}


@dataclass(frozen=True)
class Facts:
    """What a run must know of a graph: ``size`` is height and width; ``num_classes`` without background.

    ``aspect``: how images keep their aspect ratio; without padding the size is the largest.
    """

    size: tuple[int, int]
    num_classes: int
    postprocessing: PostProcessing
    aspect: AspectResizer | None = None

    def describe(self) -> str:
        """What a graph and its configuration must agree in."""
        height, width = self.size
        return f"num_classes {self.num_classes}, images {width}x{height}"


class FrozenGraphBackend:
    """A graph of ``export_inference_graph``; its own Preprocessor normalises.

    ``resizes``: it resizes, too. ``in_padded``: the boxes that it gives are in the image that it padded.
    """

    libraries = ("tensorflow-cpu",)
    precision = "float32"

    def __init__(
        self, path: Path, facts: Facts, *, resizes: bool = False, in_padded: AspectResizer | None = None
    ) -> None:
        height, width = facts.size
        self.files = (path,)
        self.input = NetworkInput(width, height, "uint8", any_size=resizes, aspect=in_padded)
        self.notes = (OWN_RESIZE,) if resizes else ()
        self.num_classes = facts.num_classes
        self.postprocessing = facts.postprocessing
        self._path = path

    def new_detector(self, threads: int) -> FrozenGraphDetector:
        """Load the graph once more, in a session of its own."""
        return FrozenGraphDetector(self._path, threads)


def facts_in_pipeline(pipeline: Pipeline) -> Facts:
    """What the configuration that a graph was exported with says; InputError if that is not enough."""
    size, aspect = pipeline.image_size(), pipeline.aspect_resizer()
    if aspect is not None:
        size = (aspect.most, aspect.most)
    classes = pipeline.number("model", "ssd", "num_classes")
    if size is None or classes is None:
        raise InputError(
            "The pipeline configuration lacks what a run must know",
            where=pipeline.path,
            expected="num_classes and an image_resizer: fixed_shape_resizer or keep_aspect_ratio_resizer",
        )
    return Facts(size, int(classes), _postprocessing(pipeline), aspect)


def facts_in_graph(path: Path) -> Facts:
    """The same from the graph's own nodes.

    Raises
    ------
    InputError
        It is no frozen graph of an SSD, or does not say all of it.
    """
    graph = read_graph(path)  # what is none, no configuration would help
    try:
        made = remade(graph, Wanted(REGULAR))
    except InputError as error:
        advice = f"{error.advice}; " if error.advice else ""
        raise InputError(
            error.what,
            where=error.where,
            expected=error.expected,
            got=error.got,
            advice=f"{advice}or put the pipeline.config that it was exported with beside it",
        ) from error
    settings, scales = made.context.settings, made.context.scales
    _, height, width, _ = settings["input_shape"].value
    limits = {theirs: settings[ours].value for ours, theirs in LIMITS.items() if theirs in NMS}
    done = _described(limits, (scales.y, scales.x, scales.height, scales.width))
    aspect = from_text(settings["resizer"].value) if "resizer" in settings else None
    return Facts((height, width), made.num_classes, done, aspect)


def _postprocessing(pipeline: Pipeline) -> PostProcessing:
    y, x, height, width = (
        _stated(pipeline.number(*BOX_CODER, name), default) for name, default in SCALES.items()
    )
    return _described({name: pipeline.nms(name) for name in NMS}, (y, x, height, width))


def _described(
    limits: Mapping[str, float | None], scales: tuple[float, float, float, float]
) -> PostProcessing:
    nms = {name: _stated(limits[name], default) for name, default in NMS.items()}
    return PostProcessing(
        by="the graph's own Postprocessor",
        nms="regular",
        score_threshold=nms["score_threshold"],
        iou_threshold=nms["iou_threshold"],
        max_detections=int(nms["max_total_detections"]),
        detections_per_class=int(nms["max_detections_per_class"]),
        max_classes_per_detection=1,
        scales_yxhw=scales,
    )


def _stated(value: float | None, default: float) -> float:
    return default if value is None else value


def open_model(model: Model, feeding: Feeding) -> FrozenGraphBackend:
    """Find what a run must know of the graph.

    With the resize method ``tf1`` it is fed the images as they are: its own Preprocessor resizes by this
    method, and its input of whole numbers would round what was resized before. So is a graph that keeps the
    aspect ratio, with any method.

    Raises
    ------
    InputError
        The ``pipeline.config`` beside the graph lacks something, or is not the graph's; or there is none, and
        the graph lacks something.
    UsageError
        ``tf1`` is asked for and the graph does not resize so, or resized images are to be kept.
    """
    facts = _facts(model.file)
    if facts.aspect is not None:
        in_padded = facts.aspect if facts.aspect.padded and _keeps_frame(model.file) else None
        return FrozenGraphBackend(model.file, facts, resizes=True, in_padded=in_padded)
    resizes = feeding.resize == "tf1"
    if resizes:
        _check_own_resize(model.file, kept=feeding.kept)
    return FrozenGraphBackend(model.file, facts, resizes=resizes)


def _keeps_frame(graph: Path) -> bool:
    """Whether boxes stay relative to the padded image: sources of 2021 on make them the image's own."""
    return not any("ChangeCoordinateFrame" in node.name for node in read_graph(graph))


def _facts(graph: Path) -> Facts:
    config = find_pipeline(graph)
    if config is None:
        return facts_in_graph(graph)
    stated = facts_in_pipeline(read_pipeline(config))
    try:
        own = facts_in_graph(graph)
    except InputError:  # of a kind whose nodes are not understood here: only the configuration says it
        return stated
    if (stated.num_classes, stated.size) != (own.num_classes, own.size):
        raise InputError(
            "The pipeline.config beside the graph is of another model",
            where=config,
            expected=f"{own.describe()}, as {graph.name} has",
            got=stated.describe(),
            advice="put the one there that the graph was exported with, or none: then its nodes count",
        )
    return stated


def _check_own_resize(file: Path, *, kept: bool) -> None:
    if kept:
        raise UsageError(
            "CK_PREPROCESSED_CACHE keeps no images for TensorFlow with CK_RESIZE=tf1",
            advice="the graph resizes them itself; leave the cache out, or take another CK_RESIZE",
        )
    graph = read_graph(file)
    if not (any(map(_is_tf1_resize, graph)) and any(map(_takes_any_size, graph))):
        raise UsageError(
            "CK_RESIZE has no value that can be used",
            where=file,
            expected="pillow or opencv: the graph has no Preprocessor that resizes by TensorFlow 1's method",
            got="tf1",
        )


def _takes_any_size(node: Node) -> bool:
    shape = node.attribute("shape")
    return node.name == INPUT and isinstance(shape, Shape) and (shape.dims or (-1,) * 4)[1:3] == (-1, -1)


def _is_tf1_resize(node: Node) -> bool:
    """Bilinear without align_corners and half-pixel centres; old graphs do not have the second attribute."""
    return (
        node.op == "ResizeBilinear"
        and node.name.startswith("Preprocessor/")
        and not node.attribute("align_corners")
        and not node.attribute("half_pixel_centers")
    )
