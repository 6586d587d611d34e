"""IRs run by the real OpenVINO: rows become detections, and what is no such IR is refused by its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import openvino
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openvino import opset13 as ops

from ckssd.detect import openvino as openvino_module
from ckssd.detect.backends.openvino import OpenVINOBackend
from ckssd.detect.network_input import NetworkInput
from ckssd.detect.openvino import OpenVINODetector, from_rows, read_ir, signed_layers
from ckssd.detect.pictures import Finder
from ckssd.errors import InputError, UsageError
from ckssd.model.description import Model

META = {
    "num_classes": "7",
    "channel_order": "RGB",
    "input_range": "0,255",
    "activation": "sigmoid",
    "score_threshold": "0.3",
    "iou_threshold": "0.6",
    "keep_top_k": "3",
    "variances": "1/10, 1/20, 1/5, 1/2.5",
}
ROWS = np.array(
    [
        [0, 2, 0.5, 0.1, 0.2, 0.3, 0.4],
        [0, 6, 0.9, -0.1, 0.0, 0.5, 1.2],
        [-1, 0, 0, 0, 0, 0, 0],
    ],
    dtype=np.float32,
)


def write_ir(folder: Path, *, shape: tuple[int, ...] = (1, 4, 5, 3), meta: dict[str, str] = META) -> Path:
    """An IR whose rows are ROWS, with the mean of channel 0 added to each score."""
    image = ops.parameter(list(shape), np.float32, name="image_tensor")
    red = ops.gather(image, np.array(0), np.array(len(shape) - 1))
    mean = ops.reduce_mean(red, np.array(range(len(shape) - 1)), keep_dims=False)
    mask = np.zeros_like(ROWS)
    mask[:2, 2] = 1.0
    rows = ops.add(ops.constant(ROWS), ops.multiply(ops.constant(mask), mean))
    model = openvino.Model([ops.unsqueeze(rows, np.array([0, 1]))], [image], "tiny")
    for name, value in meta.items():
        model.set_rt_info(value, ["ckssd", name])
    path = folder / "model.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    return path


def write_ir_with_nms(folder: Path) -> Path:
    """An IR with a real DetectionOutput: six boxes apart, one class with scores 0.1 to 0.6."""
    image = ops.parameter([1, 8, 8, 3], np.float32, name="image_tensor")
    nothing = ops.multiply(ops.reduce_mean(image, np.array([0, 1, 2, 3]), keep_dims=False), np.float32(0))
    scores = np.array([[1 - number / 10, number / 10] for number in range(1, 7)], np.float32)
    corners = [[number / 10, 0.1, number / 10 + 0.05, 0.2] for number in range(1, 7)]
    priors = np.stack([np.array(corners).ravel(), np.full(24, 0.1)])[np.newaxis].astype(np.float32)
    settings = {
        "background_label_id": 0,
        "top_k": -1,
        "keep_top_k": [20],
        "code_type": "caffe.PriorBoxParameter.CENTER_SIZE",
        "nms_threshold": 0.6,
        "confidence_threshold": 0.25,
        "normalized": True,
        "share_location": True,
    }
    boxes, classes = (
        ops.add(ops.constant(values.reshape(1, -1)), nothing)
        for values in (np.zeros((6, 4), np.float32), scores)
    )
    found = ops.detection_output(boxes, classes, ops.constant(priors), settings)
    model = openvino.Model([found], [image], "tiny")
    for name, value in META.items():
        model.set_rt_info(value, ["ckssd", name])
    path = folder / "with_nms.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    return path


def test_the_score_threshold_of_an_ir_can_be_another_and_its_nms_iou_not(folder: Path) -> None:
    backend = OpenVINOBackend(read_ir(write_ir_with_nms(folder)))
    lowered = backend.swept(0.15, [backend.postprocessing.iou_threshold])
    image = np.zeros((1, 8, 8, 3), np.float32)
    scores = [one.new_detector(1).detect(image).scores for one in (backend, lowered, backend)]
    every = [0.6, 0.5, 0.4, 0.3, 0.2]
    assert [one.tolist() for one in scores] == [
        pytest.approx(every[:4]),
        pytest.approx(every),
        pytest.approx(every[:4]),
    ]
    assert lowered.postprocessing.score_threshold == 0.15
    with pytest.raises(UsageError, match="cannot be swept"):
        backend.swept(0.15, [0.3, 0.5])


def test_an_ir_says_what_it_is_fed_and_how_it_detects(folder: Path) -> None:
    model = read_ir(write_ir(folder))
    assert model.input == NetworkInput(width=5, height=4)
    assert (model.num_classes, model.activation, model.keep_top_k) == (6, "sigmoid", 3)
    assert (model.score_threshold, model.iou_threshold) == (0.3, 0.6)
    assert model.scales_yxhw == (20, 10, 2.5, 5), "the meta has x first, and the width before the height"


def test_an_ir_that_takes_normalised_values_gets_them(folder: Path) -> None:
    model = read_ir(write_ir(folder, meta={**META, "input_range": "-1,1"}))
    levels = np.broadcast_to(np.array([[[0], [51], [255]]], np.uint8), (1, 3, 3))
    np.testing.assert_allclose(model.input.feed(levels)[0, 0, :, 0], [-1, -0.6, 1], rtol=1e-6)


def test_a_quantised_ir_says_so(folder: Path) -> None:
    assert read_ir(write_ir(folder)).precision == "float32"
    assert read_ir(write_ir(folder, meta={**META, "precision": "int8"})).precision == "int8"


class Compiled:
    """What OpenVINO says of a compiled model: the kind and the precision of each operation."""

    def __init__(self, *kinds: tuple[str, str]) -> None:
        self.kinds = kinds

    def get_runtime_model(self) -> Compiled:
        return self

    def get_ops(self) -> list[Any]:
        return [
            SimpleNamespace(
                get_rt_info=lambda layer=layer, precision=precision: {
                    "layerType": layer,
                    "runtimePrecision": precision,
                }
            )
            for layer, precision in self.kinds
        ]


@pytest.mark.parametrize(
    ("precisions", "signed"),
    [(["u8", "u8", "f32"], 0), (["i8", "u8", "u8"], 0), (["i8", "i8", "u8", "i8"], 2)],
)
def test_signed_layers_behind_the_first_are_counted(precisions: list[str], signed: int) -> None:
    kinds = [("Const", "i8"), *(("Convolution", precision) for precision in precisions)]
    assert signed_layers(Compiled(*kinds)) == signed


def test_an_int8_model_that_amx_rounds_otherwise_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layers in (3, 0):
        monkeypatch.setattr(openvino_module, "signed_layers", lambda _, layers=layers: layers)
        backend = OpenVINOBackend(read_ir(write_ir(folder)))
        backend.new_detector(1)
        assert any("AMX" in note for note in backend.notes) == bool(layers)
        finder = Finder(Model("openvino", read_ir(write_ir(folder)).files[0]), 1, "pillow", None)
        assert any("AMX" in note for note in finder.notes) == bool(layers)


@pytest.mark.parametrize("threads", [1, 2])
def test_detections_are_best_first_clipped_and_without_the_background(folder: Path, threads: int) -> None:
    detector = OpenVINODetector(read_ir(write_ir(folder)), threads)
    for grey in (0.0, 0.0625):  # the second run must not show the first one's detections
        found = detector.detect(np.full((1, 4, 5, 3), grey, dtype=np.float32))
        np.testing.assert_allclose(found.scores, np.array([0.9, 0.5]) + grey, rtol=1e-6)
        np.testing.assert_array_equal(found.classes, [5, 1])
        np.testing.assert_allclose(found.boxes, [[0, 0, 1, 0.5], [0.2, 0.1, 0.4, 0.3]], rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_in_float32_with_the_threads_it_is_given(folder: Path, threads: int) -> None:
    # OpenVINO's own choice is all threads and, where the processor has it, bfloat16.
    compiled = OpenVINODetector(read_ir(write_ir(folder)), threads)._request.get_compiled_model()
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
    assert compiled.get_property("INFERENCE_NUM_THREADS") == threads
    assert compiled.get_property("NUM_STREAMS") == 1


def test_an_ir_that_takes_blue_first_gets_it(folder: Path) -> None:
    red = np.zeros((1, 4, 5, 3), dtype=np.float32)
    red[..., 0] = 0.0625
    scores = []
    for order in ("RGB", "BGR"):
        detector = OpenVINODetector(read_ir(write_ir(folder, meta={**META, "channel_order": order})))
        scores.append(float(detector.detect(red).scores[0]))
    assert scores == pytest.approx([0.9625, 0.9])


@given(st.lists(st.floats(0, 1, width=32), max_size=20), st.integers(0, 20))
def test_rows_after_the_first_negative_image_id_do_not_count(scores: list[float], valid: int) -> None:
    rows = np.zeros((len(scores), 7), dtype=np.float32)
    rows[:, 2] = scores
    rows[valid : valid + 1, 0] = -1
    found = from_rows(rows)
    assert found.scores.tolist() == sorted(map(float, rows[:valid, 2]), reverse=True)


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="The IR is missing"):
        read_ir(folder / "model.xml")


def test_an_ir_without_its_bin_is_refused(folder: Path) -> None:
    path = write_ir(folder)
    path.with_suffix(".bin").unlink()
    with pytest.raises(InputError, match=r"weights are missing: .*/model\.bin; .*beside model\.xml$"):
        read_ir(path)


def test_an_ir_with_half_of_its_bin_is_refused(folder: Path) -> None:
    path = write_ir(folder)
    weights = path.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(InputError, match="OpenVINO cannot read the model") as caught:
        read_ir(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no xml", b"<net/>", b"<net version='11'></net>"])
def test_another_file_is_refused(folder: Path, content: bytes) -> None:
    path = write_ir(folder)
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_ir(path)


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (1, 3, 4, 5), (4, 5, 3)])
def test_an_ir_that_is_not_for_one_image_is_refused(folder: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="not for one image"):
        read_ir(write_ir(folder, shape=shape))


@pytest.mark.parametrize("name", META)
def test_an_ir_of_another_converter_is_refused(folder: Path, name: str) -> None:
    meta = {key: value for key, value in META.items() if key != name}
    with pytest.raises(InputError, match=f"ckssd/{name}.*ckssd mo"):
        read_ir(write_ir(folder, meta=meta))


def test_detectors_in_several_threads_never_wait_for_each_other_for_ever(folder: Path) -> None:
    # With a new tensor for each image, OpenVINO 2026.4.1 hung in one process of fourteen.
    script = Path(__file__).with_name("in_threads.py")
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, str(script), str(write_ir(folder)), "4"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout == "done\n", done.stderr
