"""ONNX Runtime by real ck commands: tf2onnx's conversions find what LiteRT and TensorFlow find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.boxes import read_anchors
from ckssd.detect.detections import Detections
from ckssd.detect.images import read_image
from ckssd.detect.network_input import normalised
from ckssd.detect.onnx import OnnxDetector, RawOnnxDetector
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.resize import resize
from ckssd.detect.scores import Scores
from ckssd.onnx.facts import class_activation
from ckssd.onnx.model import read_onnx
from ckssd.tflite.options import PostProcessOptions
from tests.e2e.test_equality import variables
from tests.support.agreement import BOX_TOLERANCE, SCORE_TOLERANCE, compare
from tests.support.frozen_graphs import run_frozen_graphs
from tests.support.sandbox import Done, Sandbox

pytestmark = [pytest.mark.slow(seconds=70), pytest.mark.usefixtures("object_detection_api")]

MODEL, SIDE, KEPT, LOWEST, IMAGES = "model,onnx,ssd-mobilenet,shapes", 300, 100, 1e-3, 12
PREFIX = "CK_ENV_ONNX_MODEL_"


@pytest.fixture(scope="module")
def home(installed: Sandbox, shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of onnx", like=installed)
    for tags in ("lib,onnxruntime", "lib,tf2onnx", MODEL):
        made.install(tags)
    yield made
    made.remove()


def benchmark(home: Sandbox, *options: str) -> Done:
    done = home.ck(
        *("benchmark", "program:object-detection-onnx", "--repetitions=1", "--env.CK_SILENT_MODE=yes"),
        *("--skip_print_timers", "--skip_stat_analysis", "--process_multi_keys", "--sleep=0"),
        *options,
    )
    assert "Traceback" not in done.text
    return done


def test_the_benchmark_has_litert_s_accuracy_to_the_last_digit(home: Sandbox) -> None:
    done = benchmark(home)
    assert done.code == 0, done.text
    assert "Runtime: onnx, float32; postprocessing by ckssd.detect.nms (NumPy)" in done.out
    timer = json.loads((home.program("object-detection-onnx") / "tmp" / "tmp-ck-timer.json").read_text())
    tflite = json.loads(home.ckssd("benchmark", "--nms=regular", "--json").out)["data"]
    assert (timer["mAP"], timer["recall"]) == (tflite["mAP"], tflite["recall"])
    assert timer["detections"] == tflite["detections"]


def test_litert_and_onnx_runtime_side_by_side(home: Sandbox) -> None:
    done = home.ckssd(
        *("compare", "--models=shapes", "--runtimes=litert,onnx", "--dataset=shapes"),
        *("--rounds=1", "--count=20", "--threads=2", "--json"),
    )
    assert done.code == 0, done.text
    litert, onnx = json.loads(done.out)["data"]["rows"]
    assert (litert["mAP"], litert["recall"]) == (onnx["mAP"], onnx["recall"])


def test_a_bad_value_is_one_line(home: Sandbox) -> None:
    done = benchmark(home, "--env.USE_NMS=fast")
    assert "FAILED: USE_NMS asks for a graph that the model has not" in done.text


def test_a_picture_is_looked_at_by_path(home: Sandbox) -> None:
    given = variables(home, MODEL)
    picture = next(Path(variables(home, "dataset,shapes")["CK_ENV_DATASET_IMAGE_DIR"]).iterdir())
    for name in ("ONNX_FILEPATH", "ONNX_GRAPH_NO_NMS"):
        done = home.ckssd("detect", "--model", given[PREFIX + name], str(picture), "--json")
        assert done.code == 0, done.text
        assert json.loads(done.out)["data"]


@pytest.fixture(scope="module")
def pictures(home: Sandbox) -> dict[str, np.ndarray]:
    folder = Path(variables(home, "dataset,shapes")["CK_ENV_DATASET_IMAGE_DIR"])
    some = sorted(folder.iterdir())[:IMAGES]
    return {one.stem: np.rint(resize(read_image(one), SIDE, SIDE, "pillow")).astype(np.uint8) for one in some}


def whole_graph(given: dict[str, str], pictures: dict[str, np.ndarray]) -> dict[str, Detections]:
    detector = OnnxDetector(read_onnx(Path(given[f"{PREFIX}ONNX_FILEPATH"])), 2)
    return {name: detector.detect(pixels[np.newaxis]) for name, pixels in pictures.items()}


def network(given: dict[str, str], pictures: dict[str, np.ndarray]) -> dict[str, Detections]:
    file = read_onnx(Path(given[f"{PREFIX}ONNX_GRAPH_NO_NMS"]))
    options = PostProcessOptions(6, KEPT, 1, LOWEST, 0.6, 10, 10, 5, 5, use_regular_nms=True)
    own = OwnPostprocessing(
        read_anchors(Path(given[f"{PREFIX}ANCHORS"])), (options,), Scores(file.path, class_activation(file))
    )
    detector, fed = RawOnnxDetector(file, own, 2), normalised(SIDE, SIDE)
    return {name: detector.detect(fed.feed(pixels)) for name, pixels in pictures.items()}


def test_both_graphs_find_what_tensorflow_finds(
    home: Sandbox, pictures: dict[str, np.ndarray], tmp_path: Path
) -> None:
    given = variables(home, MODEL)
    graph = Path(variables(home, "model,tensorflow,shapes")["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"])
    python = Path(variables(home, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])
    reference = run_frozen_graphs(python, {"it": graph}, pictures, tmp_path)["it"]
    for way in (whole_graph, network):
        found = way(given, pictures)
        pairs = [(name, found[name], reference[name]) for name in pictures]
        result = compare(pairs, threshold=LOWEST, keep=KEPT)
        assert result.compared > 10 * IMAGES, way.__name__
        assert result.untied == [], way.__name__
        assert len(result.unmatched) < result.compared / 100
        assert result.score_difference <= SCORE_TOLERANCE
        assert result.box_difference <= BOX_TOLERANCE
