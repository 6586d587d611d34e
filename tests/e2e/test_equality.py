"""Three of the SSD family, as TFLite with and without NMS and as IR, find what TensorFlow itself finds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.family_models import FamilyModel
from bench.family_reasons import OUTSIDE, TIES, Limits, explain
from bench.family_table import LOW
from bench.family_ways import (
    IR,
    KEPT,
    OWN,
    REGULAR,
    Detect,
    detect_ir,
    detect_own,
    detect_regular,
    make_ir,
    options_of,
)
from ckssd.detect.detections import Detections
from ckssd.detect.images import read_image
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.network_input import normalised
from ckssd.detect.resize import resize
from ckssd.graph.graphdef import read_graph
from ckssd.tflite.convert import NO_NMS, REGULAR_NMS, Conversion
from ckssd.tflite.export import ANCHORS
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.model import read_model
from ckssd.tflite.process import run_steps
from tests.support.agreement import BOX_TOLERANCE, SCORE_TOLERANCE, compare
from tests.support.frozen_graphs import noise_images, run_each
from tests.support.sandbox import Sandbox
from tests.support.small_graphs import FPNLITE_TF2, V3_SMALL, unpack_graph

IMAGES = 16
SIDE = 300
SCRIPT = Path(__file__).parent / "inside" / "run_frozen_graph.py"
SCORE_THRESHOLD = 0.3
IOU, NOISE = 0.6, 6
SHAPES = "v1-0.25"
SMALL = {
    V3_SMALL: FamilyModel(V3_SMALL, str, 320, 320),
    FPNLITE_TF2: FamilyModel(FPNLITE_TF2, str, 128, 128),
}


def variables(installed: Sandbox, tags: str) -> dict[str, str]:
    (item,) = json.loads(installed.ckssd("info", f"--tags={tags}", "--json").out)["data"]["installed"]
    return dict(item["variables"])


@pytest.fixture(scope="module")
def pictures(installed: Sandbox) -> dict[str, np.ndarray]:
    folder = Path(variables(installed, "dataset,shapes")["CK_ENV_DATASET_IMAGE_DIR"])
    return {path.stem: read_image(path) for path in sorted(folder.glob("*.jpg"))[:IMAGES]}


@pytest.fixture(scope="module")
def tensorflow(installed: Sandbox) -> Path:
    return Path(variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"])


@pytest.fixture(scope="module")
def small_graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("small graphs")
    return {name: unpack_graph(name, folder) for name in SMALL}


@pytest.fixture(scope="module")
def by_tensorflow(
    installed: Sandbox,
    tensorflow: Path,
    pictures: dict[str, np.ndarray],
    small_graphs: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Detections]]:
    """What it finds with each of three of the family, in one process."""
    shapes = Path(variables(installed, "model,tensorflow,tf,shapes")["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"])
    noise = {name: (graph, noise_of(name)) for name, graph in small_graphs.items()}
    folder = tmp_path_factory.mktemp("frozen graphs")
    return run_each(tensorflow, {SHAPES: (shapes, pictures), **noise}, folder)


def noise_of(name: str) -> dict[str, np.ndarray]:
    return noise_images(NOISE, SMALL[name].height, seed=3)


@pytest.fixture(scope="module")
def detector(shapes_tflite: Path) -> LiteRTDetector:
    return LiteRTDetector(read_model(shapes_tflite / "detect_regular_nms.tflite"), threads=2)


def detect(detector: LiteRTDetector, pixels: np.ndarray) -> Detections:
    """With TensorFlow 1's own resize, which is what the frozen graph's preprocessor does."""
    return detector.detect(normalised(SIDE, SIDE).feed(resize(pixels, SIDE, SIDE, "tf1")))


def test_tf1_resize_is_the_frozen_graphs_own_preprocessor(
    installed: Sandbox, pictures: dict[str, np.ndarray], tmp_path: Path
) -> None:
    steps = (
        np.random.default_rng(1).integers(0, 2, (427, 640, 3), dtype=np.uint8) * 255
    )  # the hardest to resize
    images = {**pictures, "steps": steps, "small": steps[:30, :17], "one": steps[:1, :1]}
    np.savez(tmp_path / "images.npz", **images)
    graph = variables(installed, "model,tensorflow,tf,shapes")["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"]
    python = variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"]
    script = SCRIPT.with_name("fetch_tensor.py")
    done = installed.run(
        python,
        str(script),
        graph,
        "Preprocessor/sub:0",
        str(tmp_path / "images.npz"),
        str(tmp_path / "out.npz"),
    )
    assert done.code == 0, done.text
    theirs = np.load(tmp_path / "out.npz")
    for name, pixels in images.items():
        mine = normalised(SIDE, SIDE).feed(resize(pixels, SIDE, SIDE, "tf1"))
        assert np.abs(mine - theirs[name]).max() * 127.5 < 1e-3, name


@pytest.fixture(scope="module")
def small_tflite(
    tensorflow: Path, small_graphs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder a graph, with its TFLite files and its anchors; one process of TensorFlow for all."""
    folder, steps = tmp_path_factory.mktemp("of small graphs"), []
    for name, frozen in small_graphs.items():
        output = folder / name
        graph = export_frozen(frozen, output).files[0]
        anchors = read_graph(graph).node("anchors").constant()
        assert anchors is not None
        np.savetxt(output / ANCHORS, anchors)
        for file, postprocess in ((REGULAR_NMS, True), (NO_NMS, False)):
            steps.append(Conversion(output / file, postprocess=postprocess).as_step(graph))
    run_steps(tensorflow, steps)
    return folder


def ways_of(model: FamilyModel, tflite: Path, xml: Path) -> dict[str, Detect]:
    options = options_of(tflite / REGULAR_NMS)
    anchors = np.loadtxt(tflite / ANCHORS, np.float32, ndmin=2)
    return {
        REGULAR: detect_regular(model, tflite / REGULAR_NMS),
        OWN: detect_own(model, tflite / NO_NMS, anchors, options),
        IR: detect_ir(xml),
    }


def test_the_built_in_model_finds_what_tensorflow_finds(
    installed: Sandbox,
    pictures: dict[str, np.ndarray],
    by_tensorflow: dict[str, dict[str, Detections]],
    shapes_tflite: Path,
) -> None:
    """The family's v1 at 0.25, here with its trained weights and the data set's pictures."""
    xml = Path(variables(installed, "model,openvino,shapes")["CK_ENV_OPENVINO_MODEL_XML"])
    ways = ways_of(FamilyModel(SHAPES, str), shapes_tflite, xml)
    fed = {name: resize(pixels, SIDE, SIDE, "tf1") for name, pixels in pictures.items()}
    for way, detect in ways.items():
        pairs = [(name, detect(pixels), by_tensorflow[SHAPES][name]) for name, pixels in fed.items()]
        found = compare(pairs, threshold=SCORE_THRESHOLD, keep=KEPT)
        assert found.compared > 2 * IMAGES, way
        assert found.unmatched == [], way


@pytest.mark.parametrize("name", SMALL)
def test_two_more_of_the_family_find_what_tensorflow_finds(
    name: str,
    by_tensorflow: dict[str, dict[str, Detections]],
    small_graphs: dict[str, Path],
    small_tflite: Path,
    tmp_path: Path,
) -> None:
    """All of it is in ``bench.family`` and `make test-full`."""
    ways = ways_of(SMALL[name], small_tflite / name, make_ir(small_graphs[name], tmp_path))
    for way, detect in ways.items():
        pairs = {
            image: (detect(pixels), by_tensorflow[name][image]) for image, pixels in noise_of(name).items()
        }
        limits = Limits(IOU, BOX_TOLERANCE, SCORE_TOLERANCE, SCORE_TOLERANCE)
        for threshold, least in ((SCORE_THRESHOLD, 20), (LOW, 90)):
            found = compare([(image, *both) for image, both in pairs.items()], threshold=threshold, keep=KEPT)
            assert found.compared > least * NOISE, way
            reasons = [each.reason for each in explain(found, pairs, limits)]
            assert len(reasons) <= NOISE, way
            assert set(reasons) <= {OUTSIDE, f"{TIES}with the last one kept"}, way


def test_the_number_of_threads_does_not_change_what_is_found(
    pictures: dict[str, np.ndarray], shapes_tflite: Path
) -> None:
    model = read_model(shapes_tflite / "detect_regular_nms.tflite")
    by_threads = {threads: LiteRTDetector(model, threads) for threads in (1, 2, 3, 4)}
    classes = set()
    for pixels in pictures.values():
        one, *others = (detect(detector, pixels) for detector in by_threads.values())
        classes.update(int(number) for number in one.classes)
        for other in others:
            np.testing.assert_array_equal(one.classes, other.classes)
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
            np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-6)
    assert classes == set(range(6)), "the images show every class, so a dropped one would be seen"
