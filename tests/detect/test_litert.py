"""Detections do not depend on the number of threads, class by class."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.detections import Detections, from_outputs, to_coco
from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.errors import InputError
from ckssd.tflite.model import read_model
from tests.detect.tiny_model import SIDE, tiny_model, tiny_model_without_nms

THREADS = (1, 2, 3, 4)


def noise(number: int, side: int) -> np.ndarray:
    return np.random.default_rng(11).uniform(-1, 1, (number, 1, side, side, 3)).astype(np.float32)


def by_class(found: list[Detections]) -> dict[int, list[tuple[float, ...]]]:
    """All detections of several images: class to (image, box, score), sorted."""
    classes: dict[int, list[tuple[float, ...]]] = {}
    for image, detections in enumerate(found):
        rows = zip(
            detections.classes.tolist(), detections.boxes.tolist(), detections.scores.tolist(), strict=True
        )
        for index, box, score in rows:
            classes.setdefault(index, []).append((image, *box, score))
    return {index: sorted(rows) for index, rows in sorted(classes.items())}


@pytest.mark.parametrize("regular", [True, False])
def test_every_class_is_the_same_with_any_number_of_threads(tmp_path: Path, regular: bool) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model(use_regular_nms=regular))
    model, images = read_model(path), noise(10, SIDE)
    found = {
        threads: by_class(list(map(LiteRTDetector(model, threads).detect, images))) for threads in THREADS
    }
    assert set(found[1]) == set(range(6))
    for threads in THREADS[1:]:
        assert found[threads] == found[1]


@pytest.mark.parametrize("graph", ["detect_regular_nms.tflite", "detect_fast_nms.tflite"])
def test_the_built_in_model_is_the_same_with_any_number_of_threads(shapes_tflite: Path, graph: str) -> None:
    model, images = read_model(shapes_tflite / graph), noise(3, 300)
    found = {
        threads: by_class(list(map(LiteRTDetector(model, threads).detect, images))) for threads in THREADS
    }
    assert all(found[threads] == found[1] for threads in THREADS)


def test_an_int8_image_is_the_grey_levels_less_128(tmp_path: Path) -> None:
    """As TensorFlow 2's converter quantises an input: scale 1/127.5, zero point -1, so nearly -1 to 1."""
    grey = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    found = []
    for int8 in (True, False):
        path = tmp_path / f"{int8}.tflite"
        path.write_bytes(tiny_model(int8_input=int8))
        model = read_model(path)
        fed = network_input(model)
        assert fed.dtype == ("int8" if int8 else "float32")
        found.append(LiteRTDetector(model).detect(fed.feed(grey)))
    assert len(found[0]) == len(found[1]) > 0
    np.testing.assert_allclose(found[0].scores, found[1].scores, atol=5e-3)
    np.testing.assert_allclose(found[0].boxes, found[1].boxes, atol=5e-3)


def test_a_size_that_is_left_open_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model())
    model = read_model(path)
    image = dataclasses.replace(model.inputs[0], shape=(1, 1, 1, 3))
    with pytest.raises(InputError, match=r"of a fixed size.*\[1, 1, 1, 3\]"):
        network_input(dataclasses.replace(model, inputs=(image,)))


@pytest.mark.parametrize("threads", THREADS[1:])
def test_the_uncut_model_still_loses_a_class(tmp_path: Path, threads: int) -> None:
    """Why the model is cut. If this fails, LiteRT has been repaired: tensorflow/tensorflow#56058."""
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model())
    model, images = read_model(path), noise(10, SIDE)
    whole = Interpreter(model_content=model.data, num_threads=threads)
    whole.allocate_tensors()
    seen: set[int] = set()
    for image in images:
        whole.set_tensor(whole.get_input_details()[0]["index"], image)
        whole.invoke()
        seen |= set(
            from_outputs(*(whole.get_tensor(d["index"]) for d in whole.get_output_details())).classes.tolist()
        )
    assert seen == set(range(6)) - {threads}


def test_results_do_not_depend_on_the_image_before(tiny_path: Path) -> None:
    detector = LiteRTDetector(read_model(tiny_path))
    first, second = noise(2, SIDE)
    alone = detector.detect(second)
    detector.detect(first)
    again = detector.detect(second)
    assert by_class([alone]) == by_class([again])


def test_a_model_without_its_operator_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(tiny_model_without_nms())
    with pytest.raises(InputError, match="not the expected outputs"):
        LiteRTDetector(read_model(path))


def test_a_model_that_litert_refuses_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model(num_classes=6).replace(b"raw_outputs", b"raw_outputs"))
    broken = bytearray(path.read_bytes())
    model = read_model(path)
    assert model.inputs[0].shape == (1, SIDE, SIDE, 3)
    # a fully connected layer whose weights do not fit its input
    position = broken.find(np.array([64 * 4, SIDE * SIDE * 3], np.int32).tobytes())
    broken[position + 4 : position + 8] = (190).to_bytes(4, "little")
    path.write_bytes(bytes(broken))
    with pytest.raises(InputError, match=r"LiteRT refuses the model: .*m\.tflite"):
        LiteRTDetector(read_model(path))


def test_only_the_counted_slots_are_read_and_boxes_end_at_the_border() -> None:
    boxes = np.array([[[-0.2, 0.1, 0.5, 1.3], [0.1, 0.2, 0.3, 0.4], [9, 9, 9, 9]]], np.float32)
    found = from_outputs(
        boxes,
        np.array([[2, 0, 7]], np.float32),
        np.array([[0.9, 0.5, 0.8]], np.float32),
        np.array([2], np.float32),
    )
    assert found.boxes.tolist() == np.array([[0, 0.1, 0.5, 1], [0.1, 0.2, 0.3, 0.4]], np.float32).tolist()
    assert found.classes.tolist() == [2, 0]
    assert len(found) == 2


def test_no_detection_is_a_result_too() -> None:
    empty = np.zeros((1, 5), np.float32)
    found = from_outputs(np.zeros((1, 5, 4), np.float32), empty, empty, np.zeros(1, np.float32))
    assert len(found) == 0
    assert to_coco(found, image_id=1, width=10, height=10, category_ids={0: 1}) == []


def test_coco_results_are_pixels_of_the_original_image_as_x_y_width_height() -> None:
    found = Detections(
        np.array([[0.25, 0.5, 0.75, 1.0], [0, 0, 1, 1]], np.float32),
        np.array([4, 5]),
        np.array([0.5, 0.25], np.float32),
    )
    assert to_coco(found, image_id=17, width=640, height=480, category_ids={4: 90}) == [
        {"image_id": 17, "category_id": 90, "bbox": [320.0, 120.0, 320.0, 240.0], "score": 0.5}
    ]
