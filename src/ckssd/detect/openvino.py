"""Run an SSD's IR with OpenVINO, in float32 whatever the processor would like better.

The IR is one of ``ckssd mo``: one image in, one DetectionOutput out (or the operations that do NMS in its
place, with the same output), and what decides its detections in its meta (``rt_info``), so that nothing about
it has to be told again. Without postprocessing it ends in box encodings and scores, and the NMS behind it is
this project's own, by the same meta.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset9

from ckssd.detect.detections import Detections
from ckssd.detect.network_input import NetworkInput, Tensor
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.scores import Scores
from ckssd.errors import InputError, UsageError
from ckssd.graph.resizer import AspectResizer, from_text
from ckssd.graph.settings import DETECTION_OUTPUT, NMS, NONE
from ckssd.model.ir import ir_files
from ckssd.tflite.options import PostProcessOptions

META = "ckssd"
NETWORK_OUTPUTS, ANCHORS = ("box_encodings", "class_predictions"), "anchors"
SCORE_THRESHOLD = 4  # the input of NonMaxSuppression
ROW = 7  # image_id, label, score, xmin, ymin, xmax, ymax


@dataclass(frozen=True)
class IRModel:
    """A read IR: its input, and what its meta says of its postprocessing.

    ``files``: the ``.xml`` and the ``.bin``. ``num_classes`` is without background. ``keep_top_k``
    detections come out of NMS, ``per_class`` of each class at most. ``scales_yxhw``: the box coder's.
    ``reverse_channels``: whether the IR takes blue first. ``precision``: int8 where it was quantised.
    ``nms``: what does it: DETECTION_OUTPUT, NMS or NONE. ``class_agnostic``: boxes of all classes suppress
    each other. ``postprocessing``: what this project does behind an IR without any, else None.
    """

    files: tuple[Path, Path]
    graph: Any
    input: NetworkInput
    num_classes: int
    activation: str
    score_threshold: float
    iou_threshold: float
    keep_top_k: int
    scales_yxhw: tuple[float, float, float, float]
    reverse_channels: bool
    per_class: int
    precision: str = "float32"
    nms: str = DETECTION_OUTPUT
    class_agnostic: bool = False
    soft_sigma: float = 0.0
    postprocessing: OwnPostprocessing | None = None


def read_ir(path: Path) -> IRModel:
    """Read an IR (``.xml``, with its ``.bin`` beside it).

    Raises
    ------
    InputError
        The file is missing or no IR, its ``.bin`` is missing, or it is not an IR for one image with the
        meta that ``ckssd mo`` writes.
    """
    files = ir_files(path)
    try:
        graph = openvino.Core().read_model(path)
    except RuntimeError as error:
        raise InputError(
            "OpenVINO cannot read the model",
            where=path,
            expected="an IR (.xml) and the .bin that was written with it",
            got=_last_line(error),
        ) from error
    height, width = _image_size(path, graph)
    nms = _nms(graph)
    keep = int(_meta(path, graph, "keep_top_k"))
    low, high = (float(value) for value in _meta(path, graph, "input_range").split(","))
    model = IRModel(
        files=files,
        graph=graph,
        input=NetworkInput(
            width, height, scale=(high - low) / 255.0, offset=low, aspect=_aspect(path, graph)
        ),
        num_classes=int(_meta(path, graph, "num_classes")) - 1,  # the meta counts the background
        activation=_meta(path, graph, "activation"),
        score_threshold=float(_meta(path, graph, "score_threshold")),
        iou_threshold=float(_meta(path, graph, "iou_threshold")),
        keep_top_k=keep,
        per_class=keep if nms == DETECTION_OUTPUT else int(_meta(path, graph, "detections_per_class")),
        scales_yxhw=_scales(_meta(path, graph, "variances")),
        reverse_channels=_meta(path, graph, "channel_order") == "BGR",
        precision="int8" if graph.has_rt_info([META, "precision"]) else "float32",
        nms=nms,
        class_agnostic=nms == NMS and _meta(path, graph, "class_agnostic") == "true",
        soft_sigma=float(_meta(path, graph, "soft_nms_sigma")) if nms == NMS else 0.0,
    )
    return _without_anchors(model) if nms == NONE else model


def _aspect(path: Path, graph: Any) -> AspectResizer | None:
    """How images keep their aspect ratio; None where the IR says nothing of it."""
    if not graph.has_rt_info([META, "resizer"]):
        return None
    text = _meta(path, graph, "resizer")
    aspect = from_text(text)
    if aspect is None:
        raise InputError("The IR's resizer is none that is known", where=path, got=text)
    return aspect


def _nms(graph: Any) -> str:
    """What does NMS; an IR with DetectionOutput does not say it."""
    stated = graph.has_rt_info([META, "postprocessing"])
    return str(graph.get_rt_info([META, "postprocessing"]).value) if stated else DETECTION_OUTPUT


def _without_anchors(model: IRModel) -> IRModel:
    """An IR of ``ckssd mo --postprocessing none``: what it has of NMS, taken out of what is computed."""
    outputs = {port.get_any_name(): port.get_node() for port in model.graph.outputs}
    if set(outputs) != {*NETWORK_OUTPUTS, ANCHORS}:
        raise InputError(
            "The IR has not the outputs of one without postprocessing",
            where=model.files[0],
            expected=", ".join((*NETWORK_OUTPUTS, ANCHORS)),
            got=", ".join(outputs),
        )
    constant = outputs[ANCHORS].input_value(0).get_node()
    while constant.get_type_name() == "Convert":  # of an IR with 16-bit weights
        constant = constant.input_value(0).get_node()
    results = [outputs[name] for name in NETWORK_OUTPUTS]
    y, x, height, width = model.scales_yxhw
    options = PostProcessOptions(
        num_classes=model.num_classes,
        max_detections=model.keep_top_k,
        max_classes_per_detection=1,
        nms_score_threshold=model.score_threshold,
        nms_iou_threshold=model.iou_threshold,
        y_scale=y,
        x_scale=x,
        h_scale=height,
        w_scale=width,
        detections_per_class=model.per_class,
        use_regular_nms=True,
    )
    scores = Scores(model.files[0], model.activation)
    own = OwnPostprocessing(np.asarray(constant.get_data(), np.float32), (options,), scores)
    network = openvino.Model(results, model.graph.get_parameters(), model.graph.get_name())
    return dataclasses.replace(model, graph=network, postprocessing=own)


def with_score_threshold(model: IRModel, threshold: float) -> IRModel:
    """The same model with another score threshold in its DetectionOutput, or what does NMS in its place."""
    graph = model.graph.clone()
    for node in graph.get_ops():
        if node.get_type_name() == "DetectionOutput":
            node.set_attribute("confidence_threshold", threshold)
        elif node.get_type_name() == "NonMaxSuppression":
            value = opset9.constant(np.array(threshold, np.float32))
            node.input(SCORE_THRESHOLD).replace_source_output(value.output(0))
    return dataclasses.replace(model, graph=graph, score_threshold=threshold)


def with_thresholds(model: IRModel, score: float, ious: Sequence[float]) -> IRModel:
    """The same model without postprocessing with another score threshold, once for each IoU threshold."""
    if model.postprocessing is None:
        raise UsageError("The IR has NMS of its own", where=model.files[0])
    own = model.postprocessing.with_thresholds(score, tuple(ious))
    return dataclasses.replace(model, postprocessing=own, score_threshold=score, iou_threshold=ious[0])


class OpenVINODetector:
    """An IR, compiled for the CPU and ready.

    Parameters
    ----------
    model
        See read_ir.
    threads
        For the whole network; at least 1. One image at a time (latency), one stream.

    Raises
    ------
    InputError
        If OpenVINO refuses the model.
    """

    def __init__(self, model: IRModel, threads: int = 1) -> None:
        # Without the precision hint the CPU plugin computes in bfloat16 where the processor has it.
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
        }
        try:
            compiled = openvino.Core().compile_model(model.graph, "CPU", settings)
        except RuntimeError as error:
            raise InputError(
                "OpenVINO refuses the model", where=model.files[0], got=_last_line(error)
            ) from error
        self.signed_layers = signed_layers(compiled)
        self._request = compiled.create_infer_request()
        # Images are copied into the request's own tensor, and the first inference is made here: threads that
        # make their first tensors at the same time can wait for each other for ever (2026.4.1).
        self._input = self._request.get_input_tensor().data
        self._input[...] = 0
        self._request.infer()
        self._reverse_channels = model.reverse_channels
        self._postprocessing = model.postprocessing

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image float32 [1, height, width, 3] in the model's range, red first."""
        if self._reverse_channels:
            image = image[..., ::-1]
        np.copyto(self._input, image)
        self._request.infer()
        if self._postprocessing is not None:
            encodings, predictions = (self._request.get_output_tensor(index).data for index in range(2))
            return self._postprocessing.detections(encodings, predictions)
        return from_rows(self._request.get_output_tensor().data.reshape(-1, ROW))


def signed_layers(compiled: Any) -> int:
    """How many convolutions behind the first a compiled model feeds with signed 8-bit integers.

    None in a float model. OpenVINO 2026.4 does so where the processor has AMX and a tensor goes below 0, as
    between the blocks of MobileNet v2; elsewhere all are unsigned, and rounding differs. The first, of the
    image, gives equal values.
    """
    kinds = [operation.get_rt_info() for operation in compiled.get_runtime_model().get_ops()]
    signed = [
        kind for kind in kinds if (kind["layerType"], kind["runtimePrecision"]) == ("Convolution", "i8")
    ]
    return max(0, len(signed) - 1)


def from_rows(rows: npt.NDArray[np.float32]) -> Detections:
    """Read DetectionOutput's rows [M, 7] for one image; a negative image id ends them.

    The rows come class by class; detections are best first. Label 0 is the background.
    """
    ends = np.flatnonzero(rows[:, 0] < 0)
    found = rows[: ends[0]] if len(ends) else rows
    found = found[np.argsort(-found[:, 2], kind="stable")]
    return Detections(
        boxes=np.clip(found[:, [4, 3, 6, 5]], 0.0, 1.0),
        classes=found[:, 1].astype(np.int64) - 1,
        scores=found[:, 2].copy(),
    )


def _image_size(path: Path, graph: Any) -> tuple[int, int]:
    shapes = [port.get_partial_shape() for port in graph.inputs]
    fits = len(shapes) == 1 and shapes[0].is_static and len(shapes[0]) == 4
    shape = [int(size) for size in shapes[0].to_shape()] if fits else []
    number = 3 if _nms(graph) == NONE else 1
    if not fits or (shape[0], shape[3]) != (1, 3) or len(graph.outputs) != number:
        raise InputError(
            "The IR is not for one image",
            where=path,
            expected=f"one input [1, height, width, 3]; outputs: {number}",
            got=f"{', '.join(str(shape) for shape in shapes) or 'no input'}, {len(graph.outputs)} outputs",
        )
    return shape[1], shape[2]


def _meta(path: Path, graph: Any, name: str) -> str:
    if not graph.has_rt_info([META, name]):
        raise InputError(
            "The IR does not say how it detects",
            where=path,
            expected=f"rt_info with {META}/{name}",
            advice="convert the TensorFlow graph with ckssd mo",
        )
    return str(graph.get_rt_info([META, name]).value)


def _scales(variances: str) -> tuple[float, float, float, float]:
    """The meta has the variances of x, y, width and height as ``1/10, 1/10, 1/5, 1/5``."""
    x, y, width, height = (float(part.strip().removeprefix("1/")) for part in variances.split(","))
    return y, x, height, width


def _last_line(error: Exception) -> str:
    """OpenVINO's messages begin with lines about its own sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
