"""The three ways in which ``bench.family`` runs a model, each made of its frozen graph by this project."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.family_models import FamilyModel
from bench.family_table import LOW
from ckssd.detect.detections import Detections
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.scores import Scores
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.tflite.convert import Conversion, convert_graph
from ckssd.tflite.export import ANCHORS
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.model import read_model
from ckssd.tflite.options import PostProcessOptions
from ckssd.tflite.trained import Levels

REGULAR, OWN, IR = "TFLite regular", "TFLite without NMS + own", "IR"
KEPT, THREADS = 100, 2
LEVELS = Levels(127.5, 127.5)  # 0 to 255 are -1 to 1


Detect = Callable[[np.ndarray], Detections]


@dataclass(frozen=True)
class Ready:
    """A converted model: its files' size, the time that it took, the IoU of its NMS, and how it detects."""

    size: int
    seconds: float
    iou: float
    detect: Detect


def detect_regular(model: FamilyModel, file: Path) -> Detect:
    """Detections of a TFLite file with NMS in images uint8 of the network's size."""
    detector = LiteRTDetector(read_model(file), threads=THREADS)
    return lambda image: detector.detect(model.feed(image))


def detect_own(model: FamilyModel, file: Path, anchors: np.ndarray, options: PostProcessOptions) -> Detect:
    """The same of a TFLite file without NMS, by this project's."""
    behind = OwnPostprocessing(anchors, (options,), Scores(file, "none"))
    detector = RawLiteRTDetector(read_model(file), behind, THREADS)
    return lambda image: detector.detect(model.feed(image))


def detect_ir(xml: Path) -> Detect:
    """The same of an IR."""
    detector = OpenVINODetector(read_ir(xml), threads=THREADS)
    return lambda image: detector.detect(image[np.newaxis].astype(np.float32))


def options_of(file: Path) -> PostProcessOptions:
    """What the NMS of a TFLite file was told."""
    options = read_model(file).options
    assert options is not None, "the regular graph has NMS"
    return options


def regular(model: FamilyModel, folder: Path, graph: Path, python: Path) -> Ready:
    """Make a TFLite file with regular NMS."""
    file, seconds = _tflite(model, folder, graph, python, postprocess=True)
    iou = options_of(file).nms_iou_threshold
    return Ready(file.stat().st_size, seconds, iou, detect_regular(model, file))


def own(model: FamilyModel, folder: Path, graph: Path, python: Path) -> Ready:
    """Make a TFLite file without NMS; `regular` comes before, and has its options."""
    file, seconds = _tflite(model, folder, graph, python, postprocess=False)
    options = options_of(folder / "regular" / file.name)
    anchors = np.loadtxt(file.with_name(ANCHORS), np.float32, ndmin=2)
    detect = detect_own(model, file, anchors, options)
    return Ready(file.stat().st_size, seconds, options.nms_iou_threshold, detect)


def ir(model: FamilyModel, folder: Path, graph: Path, python: Path) -> Ready:
    """Make an IR with DetectionOutput."""
    begin = time.perf_counter()
    xml = make_ir(graph, folder / "ir")
    seconds = time.perf_counter() - begin
    size = sum(each.stat().st_size for each in (xml, xml.with_suffix(".bin")))
    return Ready(size, seconds, read_ir(xml).iou_threshold, detect_ir(xml))


def make_ir(graph: Path, folder: Path) -> Path:
    """Convert a frozen graph to an IR that keeps what is compared; return its ``.xml``."""
    flags = {"input_model": str(graph), "output_dir": str(folder), "model_name": "ir"}
    convert(options_from(from_mapping({**flags, "confidence_threshold": str(LOW), "keep_top_k": str(KEPT)})))
    return folder / "ir.xml"


WAYS = {REGULAR: regular, OWN: own, IR: ir}


def _tflite(
    model: FamilyModel, folder: Path, graph: Path, python: Path, *, postprocess: bool
) -> tuple[Path, float]:
    output = folder / ("regular" if postprocess else "none")
    begin = time.perf_counter()
    export_frozen(graph, output)
    file = output / "detect.tflite"
    conversion = Conversion(file, postprocess=postprocess, levels=LEVELS if model.quantised else None)
    convert_graph(python, output / "tflite_graph.pb", [conversion], anchors=output / ANCHORS)
    return file, time.perf_counter() - begin
