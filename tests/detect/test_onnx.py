"""ONNX Runtime finds what LiteRT finds with the same weights, and reads whole graphs as TensorFlow does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.backends import Feeding, open_backend
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.detect.onnx import OnnxDetector, RawOnnxDetector
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.scores import Scores
from ckssd.errors import InputError, UsageError
from ckssd.model.description import Model
from ckssd.onnx.model import read_onnx
from ckssd.tflite.model import cut_model, detection_options, read_model
from tests.detect.tiny_model import SIDE, tiny_model
from tests.onnx.tiny_graph import write_network, write_whole

PIPELINE = """
model { ssd {
  num_classes: 6
  image_resizer { fixed_shape_resizer { height: 4 width: 5 } }
  post_processing { batch_non_max_suppression { score_threshold: 0.25 max_total_detections: 70 } }
} }
"""


def images(number: int) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32) for _ in range(number)]


def own(tmp_path: Path, activation: str | None = "sigmoid") -> OwnPostprocessing:
    path = tmp_path / "whole.tflite"
    path.write_bytes(tiny_model())
    anchors = np.random.default_rng(2).uniform(0.2, 0.8, (64, 4)).astype(np.float32)
    return OwnPostprocessing(anchors, (detection_options(read_model(path)),), Scores(path, activation))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("swapped", [False, True])
def test_it_finds_what_litert_finds(tmp_path: Path, threads: int, swapped: bool) -> None:
    file = tmp_path / "raw.tflite"
    file.write_bytes(tiny_model())
    file.write_bytes(cut_model(read_model(file)).convolutions)
    litert = RawLiteRTDetector(read_model(file), own(tmp_path))
    network = read_onnx(write_network(tmp_path / "m.onnx", swapped=swapped))
    onnx = RawOnnxDetector(network, own(tmp_path), threads)
    number = 0
    for image in images(20):
        one, other = onnx.detect(image), litert.detect(image)
        assert one.classes.tolist() == other.classes.tolist()
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-6)
        number += len(one)
    assert number > 50


def test_a_whole_graph_is_read_as_tensorflow_is(tmp_path: Path) -> None:
    model = read_onnx(write_whole(tmp_path / "m.onnx"))
    found = OnnxDetector(model).detect(np.zeros((1, 4, 5, 3), np.uint8))
    assert found.classes.tolist() == [1, 5], "counted from 0, and only the valid ones"
    np.testing.assert_allclose(found.boxes[0], [0.1, 0, 0.5, 1], err_msg="clipped to the image")
    np.testing.assert_allclose(found.scores, [0.9, 0.4])


def test_a_graph_that_onnx_runtime_refuses_is_one_line(tmp_path: Path) -> None:
    path = write_network(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes().replace(b"Gemm", b"Gemn"))
    with pytest.raises(InputError, match=r"ONNX Runtime refuses the model: .*m\.onnx") as caught:
        RawOnnxDetector(read_onnx(path), own(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_image_of_another_size_is_the_runtimes_error(tmp_path: Path) -> None:
    detector = RawOnnxDetector(read_onnx(write_network(tmp_path / "m.onnx")), own(tmp_path))
    with pytest.raises(RuntimeError, match="invalid dimensions"):
        detector.detect(np.zeros((1, 4, 4, 3), np.float32))


def test_a_whole_graph_has_the_settings_of_its_configuration(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "m.onnx", thresholds=(0.25,) * 6)
    (tmp_path / "pipeline.config").write_text(PIPELINE)
    backend = open_backend(Model("onnx", path))
    assert (backend.input.width, backend.input.height, backend.input.dtype) == (5, 4, "uint8")
    assert (backend.num_classes, backend.postprocessing.max_detections) == (6, 70)
    assert backend.postprocessing.score_threshold == 0.25
    assert backend.notes == ()


def test_a_configuration_of_another_model_is_refused(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "m.onnx", thresholds=(0.25,) * 7)
    (tmp_path / "pipeline.config").write_text(PIPELINE)
    with pytest.raises(InputError, match=r"of another model: .*expected num_classes 7.*got num_classes 6"):
        open_backend(Model("onnx", path))


def test_a_whole_graph_that_came_alone_says_them_itself(tmp_path: Path) -> None:
    backend = open_backend(Model("onnx", write_whole(tmp_path / "m.onnx", size=8)))
    assert (backend.input.width, backend.num_classes) == (8, 2)
    assert backend.postprocessing.score_threshold == 0.25
    assert "assumed: 100" in backend.notes[0]
    stated = Model("onnx", write_whole(tmp_path / "n.onnx"), image_width=8, image_height=4)
    assert open_backend(stated).input.height == 4


@pytest.mark.parametrize(
    ("thresholds", "lacking"), [((0.25, 0.25), "the size of its image"), ((0.25, 0.5), "the size|settings")]
)
def test_a_whole_graph_that_does_not_say_them_asks_for_its_configuration(
    tmp_path: Path, thresholds: tuple[float, ...], lacking: str
) -> None:
    with pytest.raises(InputError, match=rf"does not say ({lacking}).*pipeline\.config"):
        open_backend(Model("onnx", write_whole(tmp_path / "m.onnx", thresholds=thresholds)))


def test_tf1_resize_is_not_rounded_silently(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"CK_RESIZE.*got tf1"):
        open_backend(Model("onnx", write_whole(tmp_path / "m.onnx", size=8)), Feeding("tf1"))
