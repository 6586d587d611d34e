"""An IR without postprocessing: with this project's NMS behind it, what DetectionOutput finds in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset8

from ckssd.detect.backends import open_backend
from ckssd.detect.detections import Detections
from ckssd.detect.openvino import OpenVINODetector, read_ir
from ckssd.detect.quantize import quantize_ir
from ckssd.errors import InputError, UsageError
from ckssd.graph.emission.detection_output import constant_priors
from ckssd.graph.options import from_mapping, options_from
from ckssd.graph.settings import DETECTION_OUTPUT, NONE
from ckssd.model.description import Model
from tests.graph.test_mo import LAYOUT_VARIANTS, Layout, converted, pixels
from tests.graph.tiny_ssd import ANCHORS, CLASSES, tiny_ssd

LIMITS = {"confidence_threshold": 0.2, "nms_threshold": 0.5, "keep_top_k": 10}


def made(folder: Path, kind: str, layout: Layout | None = None, **options: object) -> Path:
    """An IR of the tiny graph."""
    place = folder / kind
    place.mkdir()
    graph = tiny_ssd(layout) if layout else tiny_ssd()
    done = converted(graph, place, overrides=LIMITS, postprocessing=kind, **options)
    return Path(done.data["xml"])


def in_order(found: Detections) -> np.ndarray:
    """Rows class, score, box; ties by class."""
    rows = np.column_stack([found.classes, found.scores, found.boxes])
    return rows[np.lexsort((rows[:, 0], -rows[:, 1].round(5)))]


@pytest.mark.parametrize("variant", LAYOUT_VARIANTS)
@pytest.mark.parametrize("half", [False, True])
def test_it_finds_what_detection_output_finds(variant: str, half: bool, tmp_path: Path) -> None:
    options = {"data_type": "FP16"} if half else {}
    irs = [made(tmp_path, kind, LAYOUT_VARIANTS[variant], **options) for kind in (DETECTION_OUTPUT, NONE)]
    detectors = [OpenVINODetector(read_ir(ir)) for ir in irs]
    number = 0
    for seed in range(20):
        reference, own = (in_order(one.detect(pixels(seed=seed))) for one in detectors)
        number += len(reference)
        np.testing.assert_allclose(own, reference, atol=2e-3 if half else 1e-5)
    assert number > 20


def test_reversed_channels_take_red_first_from_us(tmp_path: Path) -> None:
    rgb, bgr = (
        OpenVINODetector(read_ir(made(tmp_path / name, NONE, reverse_input_channels=name == "bgr")))
        for name in _folders(tmp_path, "rgb", "bgr")
    )
    np.testing.assert_allclose(in_order(bgr.detect(pixels())), in_order(rgb.detect(pixels())), atol=1e-6)


def _folders(folder: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (folder / name).mkdir()
    return names


def test_the_ir_holds_all_that_its_nms_needs(tmp_path: Path) -> None:
    ir = made(tmp_path, NONE)
    shapes = {port.get_any_name(): list(port.shape) for port in openvino.Core().read_model(ir).outputs}
    count = len(ANCHORS)
    assert shapes == {
        "box_encodings": [1, count, 4],
        "class_predictions": [1, count, CLASSES],
        "anchors": [count, 4],
    }
    backend = open_backend(Model("openvino", ir))
    done = backend.postprocessing
    assert (done.score_threshold, done.iou_threshold, done.max_detections) == (0.2, 0.5, 10)
    assert done.by.startswith("ckssd.detect.nms")
    assert backend.files == (ir, ir.with_suffix(".bin"))


def test_its_nms_can_be_swept(tmp_path: Path) -> None:
    backend = open_backend(Model("openvino", made(tmp_path, NONE)))
    found = backend.swept(0.0, [0.5, 1.0]).new_detector(1).detect(pixels())  # type: ignore[attr-defined]
    (others,) = found.others
    assert len(others) >= len(found)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"postprocessing": "some"}, "Unknown postprocessing.*one of detection_output, nms, auto, none"),
        ({"postprocessing": "none", "top_k": "5"}, "--top_k counts only for DetectionOutput"),
        ({"postprocessing": "nms", "top_k": "5"}, "--top_k counts only for DetectionOutput"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(flags: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options_from(from_mapping({"input_model": "x.pb", **flags}))


def test_it_is_not_quantised(tmp_path: Path) -> None:
    ir = made(tmp_path, NONE)
    with pytest.raises(InputError, match="is not quantised"):
        quantize_ir(ir, [], tmp_path / "int8.xml")


def test_anchors_that_depend_on_the_image_are_refused() -> None:
    computed = opset8.parameter([1, 2, 8], np.float32).output(0)
    with pytest.raises(InputError, match=r"depend on the image: g\.pb .*--input_shape .*, or do without"):
        constant_priors(computed, "g.pb", "do without")
    found = constant_priors(opset8.constant(np.arange(16.0).reshape(1, 2, 8)).output(0), "g.pb", "")
    np.testing.assert_array_equal(found, np.arange(16, dtype=np.float32).reshape(2, 2, 4))
