"""The seeded stand-in of ssd_mobilenet_v1_coco_2018_01_28: its structure, and equality between runtimes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.detections import Detections
from ckssd.detect.litert import LiteRTDetector
from ckssd.install import find_pythons
from ckssd.tflite.convert import REGULAR_NMS, make_tflite_model
from ckssd.tflite.exported import FILES
from ckssd.tflite.model import read_model
from ckssd.tflite.seeded import make_seeded_checkpoint
from tests.e2e.test_equality import IMAGES, SCORE_THRESHOLD, SCRIPT, detect, variables
from tests.support.frozen_graphs import noise_images
from tests.support.sandbox import CHECKOUT, Sandbox

pytestmark = [
    pytest.mark.full,  # test_openvino_equality.py installs the model, test_page.py TensorFlow 1.13
    pytest.mark.slow(seconds=80),
    pytest.mark.skipif(
        not any(python.minor == "3.7" for python in find_pythons()),
        reason="TensorFlow 1.13.1 needs Python 3.7, which is not on this machine",
    ),
]

TAGS = "model,tensorflow,ssd-mobilenet,seeded"
SEEDED_AND_ITS_TOOLS = ("lib,tensorflow,v1.13,vcpu,vprebuilt", "model,tensorflow,api", TAGS)
ENTRY = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-seeded"
# Of the published checkpoint (facts: bytes of the files in its archive).
DATA_SIZE, INDEX_SIZE, STATE_SIZE = 27_380_740, 8_937, 77
NUM_ANCHORS, NUM_CLASSES = 1917, 90
SCORE_TOLERANCE, LEAST_IOU = 1e-3, 0.99


@pytest.fixture(scope="module")
def old(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A CK home of the seed's time: TensorFlow 1.13.1, the Object Detection API, the model made by them."""
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of TensorFlow 1.13", tools=shared)
    for tags in SEEDED_AND_ITS_TOOLS:
        made.install(tags)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def model(old: Sandbox) -> Path:
    return Path(variables(old, "model,tensorflow,seeded")["CK_ENV_TENSORFLOW_MODEL_ROOT"])


@pytest.fixture(scope="module")
def pythons(old: Sandbox, installed: Sandbox) -> dict[str, Path]:
    """Version of TensorFlow to the interpreter that has it."""
    name = "CK_ENV_LIB_TF_PYTHON_FILE"
    return {
        "1.13": Path(variables(old, "lib,tensorflow,v1.13")[name]),
        "2.21": Path(variables(installed, "lib,tensorflow,v2")[name]),
    }


@pytest.fixture(scope="module")
def obj_det_dir(old: Sandbox) -> Path:
    return Path(variables(old, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"])


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    """Structured noise, other than the model's own, of a size that has to be resized."""
    return noise_images(IMAGES, size=400, seed=1)


@pytest.fixture(scope="module")
def by_tensorflow(
    pictures: dict[str, np.ndarray],
    pythons: dict[str, Path],
    model: Path,
    old: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, list]]:
    folder = tmp_path_factory.mktemp("frozen graph")
    np.savez(folder / "images.npz", **pictures)
    output = folder / "detections.json"
    graph = model / "frozen_inference_graph.pb"
    words = [str(SCRIPT), str(graph), str(folder / "images.npz"), str(output)]
    done = old.run(str(pythons["2.21"]), *words)
    assert done.code == 0, done.text
    result: dict[str, dict[str, list]] = json.loads(output.read_text())
    return result


def test_the_folder_has_the_files_and_sizes_of_the_published_model(model: Path) -> None:
    for name in (*FILES, "labelmap.pbtxt"):
        assert (model / name).is_file(), name
    assert (model / "model.ckpt.data-00000-of-00001").stat().st_size == DATA_SIZE
    assert (model / "model.ckpt.index").stat().st_size == INDEX_SIZE
    assert (model / "checkpoint").stat().st_size == STATE_SIZE
    assert (model / "pipeline.config").read_bytes() == (ENTRY / "pipeline.config").read_bytes()


def test_the_environment_has_the_variables_of_an_object_detection_model(old: Sandbox) -> None:
    given = variables(old, "model,tensorflow,seeded")
    root = given["CK_ENV_TENSORFLOW_MODEL_ROOT"]
    assert given["CK_ENV_TENSORFLOW_MODEL_WEIGHTS_FILE"] == f"{root}/model.ckpt"
    assert given["CK_ENV_TENSORFLOW_MODEL_TF_FROZEN_FILEPATH"] == f"{root}/frozen_inference_graph.pb"
    assert given["CK_ENV_TENSORFLOW_MODEL_NUM_CLASSES"] == str(NUM_CLASSES)
    assert given["CK_ENV_TENSORFLOW_MODEL_DATASET_TYPE"] == "coco"


def iou(one: np.ndarray, other: np.ndarray) -> float:
    top_left, bottom_right = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    overlap = np.prod(np.clip(bottom_right - top_left, 0, None))
    union = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - overlap
    return float(overlap / union)


def count_matched(found: Detections, frozen: dict[str, list], where: str) -> int:
    """Return how many detections above the threshold were compared; fail where one has no counterpart.

    ``frozen`` has boxes, scores and classes of TensorFlow's frozen graph, whose classes begin with 1.
    """
    theirs = [
        (np.array(box), score, number - 1)
        for box, score, number in zip(frozen["boxes"], frozen["scores"], frozen["classes"])
    ]
    ours = list(zip(found.boxes, found.scores, found.classes))
    compared = 0
    # Near the threshold a difference of one rounding decides whether a detection is there at all.
    for mine, others in ((ours, theirs), (theirs, ours)):
        for box, score, number in mine:
            if score <= SCORE_THRESHOLD + SCORE_TOLERANCE:
                continue
            compared += 1
            assert any(
                number == other_number
                and abs(score - other) <= SCORE_TOLERANCE
                and iou(box, other_box) > LEAST_IOU
                for other_box, other, other_number in others
            ), (where, box, score, number)
    return compared


def test_the_same_seed_gives_the_same_bytes(
    model: Path, pythons: dict[str, Path], obj_det_dir: Path, tmp_path: Path
) -> None:
    section = json.loads((ENTRY / ".cm" / "meta.json").read_text())["ckssd"]
    numbers = {name: section[name] for name in ("seed", "images")}
    make_seeded_checkpoint(pythons["1.13"], obj_det_dir, ENTRY / "pipeline.config", tmp_path, **numbers)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (model / name).read_bytes(), name


# TensorFlow 2 converts the built-in model in test_equality.
@pytest.mark.parametrize("version", ["1.13", "2.21"])
def test_tflite_finds_what_the_frozen_graph_finds(
    version: str,
    model: Path,
    pythons: dict[str, Path],
    obj_det_dir: Path,
    pictures: dict[str, np.ndarray],
    by_tensorflow: dict[str, dict[str, list]],
    tmp_path: Path,
) -> None:
    made = make_tflite_model(pythons[version], obj_det_dir, model, tmp_path)
    assert made.tensorflow.startswith(version)
    assert (made.num_anchors, made.num_classes) == (NUM_ANCHORS, NUM_CLASSES)
    detector = LiteRTDetector(read_model(tmp_path / REGULAR_NMS), threads=2)
    compared = sum(
        count_matched(detect(detector, pixels), by_tensorflow[name], name)
        for name, pixels in pictures.items()
    )
    assert compared > 2 * 20 * IMAGES


def test_an_image_has_some_dozens_of_detections_of_many_classes(
    by_tensorflow: dict[str, dict[str, list]],
) -> None:
    counts, classes = [], set()
    for frozen in by_tensorflow.values():
        above = [
            number for number, score in zip(frozen["classes"], frozen["scores"]) if score > SCORE_THRESHOLD
        ]
        counts.append(len(above))
        classes.update(above)
    assert 20 < np.median(counts) < 100
    assert len(classes) > NUM_CLASSES // 2
