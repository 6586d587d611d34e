"""Real weights on real photographs: TensorFlow's frozen graph, TFLite, this project's NMS and the IR agree.

All are fed pictures in the network's size, by TensorFlow 1's resize rounded to grey levels, so that none of
the differences are those of resize methods.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.boxes import read_anchors
from ckssd.detect.detections import Detections
from ckssd.detect.images import read_image
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.detect.network_input import normalised
from ckssd.detect.onnx import RawOnnxDetector
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.resize import resize
from ckssd.detect.scores import Scores
from ckssd.graph.mo import convert
from ckssd.graph.options import from_mapping, options_from
from ckssd.onnx.model import read_onnx
from ckssd.tflite.model import detection_options, read_model, with_options
from tests.e2e.test_equality import variables
from tests.support.agreement import BOX_TOLERANCE, SCORE_TOLERANCE, compare
from tests.support.frozen_graphs import run_frozen_graphs
from tests.support.sandbox import Sandbox

pytestmark = [
    pytest.mark.full,
    pytest.mark.slow(seconds=150),
    pytest.mark.usefixtures("object_detection_api"),
]

SIDE, KEPT, LOWEST = 300, 100, 0.01
CHECKPOINT, TFLITE = "model,tensorflow,ssdlite,coco,tfjs", "model,tflite,ssdlite,coco,tfjs"
ONNX = "model,onnx,ssdlite,coco,tfjs"
Found = dict[str, Detections]


@pytest.fixture(scope="module")
def home(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of the photographs", tools=shared)
    needed = ("lib,tensorflow,vcpu,v2", "model,tensorflow,api", CHECKPOINT, TFLITE)
    for tags in (*needed, "dataset,object-detection,photos"):
        made.install(tags)
    made.install(ONNX, "--env.WHOLE_GRAPH=no")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def pictures(home: Sandbox) -> dict[str, np.ndarray]:
    folder = Path(variables(home, "dataset,photos")["CK_ENV_DATASET_IMAGE_DIR"])
    found = {}
    for path in sorted(folder.iterdir()):
        resized = resize(read_image(path), SIDE, SIDE, "tf1")
        found[path.name.replace(".", "_")] = np.rint(resized).astype(np.uint8)
    assert len(found) >= 12
    return found


@pytest.fixture(scope="module")
def by_tensorflow(
    home: Sandbox, pictures: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Found:
    graph = Path(variables(home, CHECKPOINT)["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"])
    python = Path(variables(home, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    return run_frozen_graphs(python, {"it": graph}, pictures, tmp_path_factory.mktemp("tf"))["it"]


def each(pictures: dict[str, np.ndarray], detect: Callable[[np.ndarray], Detections]) -> Found:
    return {name: detect(pixels) for name, pixels in pictures.items()}


def by_tflite(home: Sandbox, pictures: dict[str, np.ndarray], _: Path) -> Found:
    folder = Path(variables(home, TFLITE)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    model = read_model(folder / "detect_regular_nms.tflite")
    lower = dataclasses.replace(detection_options(model), nms_score_threshold=LOWEST)
    detector, network = LiteRTDetector(with_options(model, lower), 2), normalised(SIDE, SIDE)
    return each(pictures, lambda pixels: detector.detect(network.feed(pixels)))


def by_own_nms(home: Sandbox, pictures: dict[str, np.ndarray], _: Path) -> Found:
    folder = Path(variables(home, TFLITE)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    options = detection_options(read_model(folder / "detect_regular_nms.tflite"))
    lower = dataclasses.replace(options, nms_score_threshold=LOWEST)
    anchors, network = read_anchors(folder / "flatanchors.txt"), normalised(SIDE, SIDE)
    file = folder / "detect_no_nms.tflite"
    own = OwnPostprocessing(anchors, (lower,), Scores(file, "sigmoid"))
    detector = RawLiteRTDetector(read_model(file), own, 2)
    return each(pictures, lambda pixels: detector.detect(network.feed(pixels)))


def by_onnx(home: Sandbox, pictures: dict[str, np.ndarray], _: Path) -> Found:
    given = variables(home, ONNX)
    file = read_onnx(Path(given["CK_ENV_ONNX_MODEL_ONNX_GRAPH_NO_NMS"]))
    folder = Path(variables(home, TFLITE)["CK_ENV_TENSORFLOW_MODEL_ROOT"])
    options = detection_options(read_model(folder / "detect_regular_nms.tflite"))
    lower = dataclasses.replace(options, nms_score_threshold=LOWEST)
    anchors, network = read_anchors(Path(given["CK_ENV_ONNX_MODEL_ANCHORS"])), normalised(SIDE, SIDE)
    detector = RawOnnxDetector(file, OwnPostprocessing(anchors, (lower,), Scores(file.path, "sigmoid")), 2)
    return each(pictures, lambda pixels: detector.detect(network.feed(pixels)))


def by_ir(home: Sandbox, pictures: dict[str, np.ndarray], folder: Path) -> Found:
    graph = variables(home, CHECKPOINT)["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"]
    flags = {"input_model": graph, "output_dir": str(folder), "model_name": "ir"}
    limits = {"confidence_threshold": str(LOWEST), "keep_top_k": str(KEPT)}
    convert(options_from(from_mapping({**flags, **limits})))
    detector = OpenVINODetector(read_ir(folder / "ir.xml"), threads=2)
    return each(pictures, lambda pixels: detector.detect(pixels[np.newaxis].astype(np.float32)))


@pytest.mark.parametrize("way", [by_tflite, by_own_nms, by_onnx, by_ir])
def test_every_detection_on_the_photographs_is_tensorflows(
    way: Callable[[Sandbox, dict[str, np.ndarray], Path], Found],
    home: Sandbox,
    pictures: dict[str, np.ndarray],
    by_tensorflow: Found,
    tmp_path: Path,
) -> None:
    found = way(home, pictures, tmp_path)
    pairs = [(name, found[name], by_tensorflow[name]) for name in pictures]
    sure = compare(pairs, threshold=0.3, keep=KEPT)
    assert sure.compared >= 15
    assert sure.unmatched == []
    every = compare(pairs, threshold=LOWEST, keep=KEPT)
    assert every.compared > 10 * len(pictures)
    assert every.untied == []
    assert len(every.unmatched) < every.compared / 100
    assert every.score_difference <= SCORE_TOLERANCE
    assert every.box_difference <= BOX_TOLERANCE
    print(f"{way.__name__}: {every.compared} over {LOWEST}, {len(every.unmatched)} tied", end=" ")
    print(f"scores within {every.score_difference:.1e}, boxes within {every.box_difference:.1e}")
