"""TFLite with regular NMS gives the detections of TensorFlow's own run of the frozen graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.detections import Detections
from ckssd.detect.images import read_image
from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.network_input import normalised
from ckssd.detect.resize import resize
from ckssd.tflite.model import read_model
from tests.support.sandbox import Sandbox

IMAGES = 16
SIDE = 300
SCRIPT = Path(__file__).parent / "inside" / "run_frozen_graph.py"
SCORE_THRESHOLD = 0.3
SCORE_TOLERANCE = 1e-3
LEAST_IOU = 0.99


def variables(installed: Sandbox, tags: str) -> dict[str, str]:
    (item,) = json.loads(installed.ckssd("info", f"--tags={tags}", "--json").out)["data"]["installed"]
    return dict(item["variables"])


@pytest.fixture(scope="module")
def pictures(installed: Sandbox) -> dict[str, np.ndarray]:
    folder = Path(variables(installed, "dataset,shapes")["CK_ENV_DATASET_IMAGE_DIR"])
    return {path.stem: read_image(path) for path in sorted(folder.glob("*.jpg"))[:IMAGES]}


@pytest.fixture(scope="module")
def by_tensorflow(
    installed: Sandbox, pictures: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list]]:
    folder = tmp_path_factory.mktemp("frozen graph")
    np.savez(folder / "images.npz", **pictures)
    graph = variables(installed, "model,tensorflow,tf,shapes")["CK_ENV_TENSORFLOW_MODEL_FROZEN_GRAPH"]
    python = variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"]
    output = folder / "detections.json"
    done = installed.run(python, str(SCRIPT), graph, str(folder / "images.npz"), str(output))
    assert done.code == 0, done.text
    result: dict[str, dict[str, list]] = json.loads(output.read_text())
    return result


@pytest.fixture(scope="module")
def detector(shapes_tflite: Path) -> LiteRTDetector:
    return LiteRTDetector(read_model(shapes_tflite / "detect_regular_nms.tflite"), threads=2)


def detect(detector: LiteRTDetector, pixels: np.ndarray) -> Detections:
    """With TensorFlow 1's own resize, which is what the frozen graph's preprocessor does."""
    return detector.detect(normalised(SIDE, SIDE).feed(resize(pixels, SIDE, SIDE, "tf1")))


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


def test_every_detection_has_its_counterpart(
    pictures: dict[str, np.ndarray], by_tensorflow: dict[str, dict[str, list]], detector: LiteRTDetector
) -> None:
    compared = sum(
        count_matched(detect(detector, pixels), by_tensorflow[name], name)
        for name, pixels in pictures.items()
    )
    assert compared > 4 * IMAGES


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
