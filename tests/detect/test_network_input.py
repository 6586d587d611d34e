"""Grey levels become what a network is fed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.choices import RESIZE_METHODS, ResizeMethod
from ckssd.detect.detections import Detections
from ckssd.detect.network_input import NetworkInput, keeping_aspect, normalised
from ckssd.errors import InputError
from ckssd.graph.resizer import AspectResizer


def levels(*values: float, dtype: type = np.uint8) -> np.ndarray:
    return np.array([[values]], dtype)


def test_normalising_maps_black_to_minus_one_and_white_to_one() -> None:
    values = normalised(1, 1).feed(levels(0, 255, 51))
    assert values.shape == (1, 1, 1, 3)
    assert values.dtype == np.float32
    assert values.ravel() == pytest.approx([-1, 1, -0.6], abs=1e-6)
    assert normalised(1, 1).describe() == "[-1, 1]"


def test_a_float_network_may_be_fed_grey_levels() -> None:
    network = NetworkInput(1, 1)
    assert network.feed(levels(0, 255, 51)).ravel().tolist() == [0, 255, 51]
    assert network.describe() == "none (0 to 255)"


def test_a_uint8_network_gets_rounded_levels() -> None:
    network = NetworkInput(1, 1, "uint8")
    assert network.feed(levels(0.2, 254.9, 51.6, dtype=np.float32)).ravel().tolist() == [0, 255, 52]
    assert network.feed(levels(0, 255, 51)).ravel().tolist() == [0, 255, 51]
    assert network.describe() == "none (uint8 input)"


def test_a_quantised_network_gets_the_nearest_step_within_its_range() -> None:
    network = NetworkInput(1, 1, "int8", 1.0, -128.0)
    assert network.feed(levels(0, 255, 128)).ravel().tolist() == [-128, 127, 0]
    steeper = NetworkInput(1, 1, "int8", 2.0, -128.0)
    assert steeper.feed(levels(0, 255, 128)).ravel().tolist() == [-128, 127, 127]
    assert network.feed(levels(0, 255, 128)).dtype == np.int8
    assert network.describe() == "none (int8 input: grey levels less 128)"
    # The shorter way for whole levels gives what the longer one does.
    every = np.arange(256, dtype=np.uint8).reshape(-1, 4, 1)
    assert (network.feed(every) == network.feed(every.astype(np.float32))).all()


def picture(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 200, np.uint8)


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_an_image_that_keeps_its_aspect_ratio_is_padded_at_the_bottom_and_on_the_right(
    method: ResizeMethod,
) -> None:
    network = NetworkInput(40, 40, aspect=AspectResizer(20, 40, padded=True, pad=(1, 2, 3)))
    made = network.resized(picture(30, 120), method)
    assert made.shape == (40, 40, 3)
    assert made.dtype == (np.float32 if method == "tf1" else np.uint8)
    assert (made[:10] == 200).all()
    assert (made[10:] == [1, 2, 3]).all()


def test_a_padding_between_two_grey_levels_makes_floats() -> None:
    network = NetworkInput(40, 40, aspect=AspectResizer(20, 40, padded=True, pad=(127.5, 127.5, 127.5)))
    made = network.resized(picture(10, 40), "pillow")
    assert (made.dtype, made[-1, -1].tolist()) == (np.float32, [127.5] * 3)


def test_boxes_come_back_in_the_pictures_own_coordinates() -> None:
    """Of 120x30 in 40x40: the picture is the upper quarter of what the network sees."""
    network = NetworkInput(40, 40, aspect=AspectResizer(20, 40, padded=True))
    boxes = np.array([[0, 0, 0.25, 1], [0.125, 0.5, 0.5, 0.75], [0.3, 0.1, 0.9, 0.9]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    found = Detections(
        boxes, np.array([3, 4, 5]), scores, (Detections(boxes[:1], np.array([1]), scores[:1]),)
    )
    mine = network.in_picture(found, 120, 30)
    assert mine.boxes.tolist() == [[0, 0, 1, 1], [0.5, 0.5, 1, 0.75]], "one in the padding is none"
    assert (mine.classes.tolist(), len(mine.others)) == ([3, 4], 1)
    assert NetworkInput(40, 40).in_picture(found, 120, 30) is found


def write_config(folder: Path, resizer: str, kind: str = "ssd_mobilenet_v1") -> Path:
    extractor = f'feature_extractor {{ type: "{kind}" }}'
    text = f"model {{ ssd {{ {extractor} image_resizer {{ keep_aspect_ratio_resizer {{ {resizer} }} }} }} }}"
    (folder / "pipeline.config").write_text(text)
    return folder / "detect.tflite"


PADDED = "min_dimension: 20 max_dimension: 40 pad_to_max_dimension: true"


def test_a_pipeline_configuration_beside_a_model_says_how_it_is_fed(tmp_path: Path) -> None:
    network, model = normalised(40, 40), tmp_path / "detect.tflite"
    assert keeping_aspect(network, model) == network
    write_config(tmp_path, PADDED)
    assert keeping_aspect(network, model).aspect == AspectResizer(20, 40, padded=True)
    write_config(tmp_path, PADDED, "ssd_mobilenet_v2_fpn_keras")  # normalised before it is padded
    aspect = keeping_aspect(network, model).aspect
    assert aspect is not None
    assert aspect.pad == pytest.approx((127.5, 127.5, 127.5))


def test_a_pipeline_configuration_of_another_size_is_refused(tmp_path: Path) -> None:
    model = write_config(tmp_path, PADDED)
    with pytest.raises(InputError, match=r"of another model.*padded to 300x300.*got 40x40"):
        keeping_aspect(normalised(300, 300), model)
