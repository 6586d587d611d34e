"""Each resize method does what its name promises, against a plain loop over the definition."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ckssd.detect.choices import RESIZE_METHODS, ResizeMethod
from ckssd.detect.resize import _opencv as opencv_as_first_used
from ckssd.detect.resize import resize

sizes = st.integers(1, 40)


def pixels_of(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 100 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_definition(pixels: np.ndarray, width: int, height: int, half_pixel: bool) -> np.ndarray:
    """Bilinear interpolation, one output value after another, in float64."""
    out = np.zeros((height, width, 3))

    def neighbours(index: int, size: int, output: int) -> tuple[int, int, float]:
        position = (index + 0.5) * size / output - 0.5 if half_pixel else index * size / output
        position = min(max(position, 0.0), size - 1.0) if half_pixel else position
        lower = min(math.floor(position), size - 1)
        return lower, min(lower + 1, size - 1), position - lower

    for y in range(height):
        for x in range(width):
            y0, y1, down = neighbours(y, pixels.shape[0], height)
            x0, x1, across = neighbours(x, pixels.shape[1], width)
            p = pixels.astype(float)
            top = p[y0, x0] + (p[y0, x1] - p[y0, x0]) * across
            bottom = p[y1, x0] + (p[y1, x1] - p[y1, x0]) * across
            out[y, x] = top + (bottom - top) * down
    return out


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, sizes, sizes)
def test_tf1_is_legacy_bilinear(height: int, width: int, out_height: int, out_width: int) -> None:
    pixels = pixels_of(height, width)
    result = resize(pixels, out_width, out_height, "tf1")
    assert result.dtype == np.float32
    assert np.abs(result - by_definition(pixels, out_width, out_height, False)).max() < 1e-3


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, sizes, sizes)
def test_opencv_has_half_pixel_centres_and_rounds(
    height: int, width: int, out_height: int, out_width: int
) -> None:
    pixels = pixels_of(height, width)
    result = resize(pixels, out_width, out_height, "opencv")
    assert result.dtype == np.uint8
    assert np.abs(result - by_definition(pixels, out_width, out_height, True)).max() <= 1.0


@pytest.mark.parametrize("size", [(480, 640), (427, 640), (1200, 900), (300, 299), (1, 500)])
def test_tf1_stays_exact_far_from_the_first_pixel(size: tuple[int, int]) -> None:
    pixels = pixels_of(*size) // 128 * 255  # the steepest steps
    result = resize(pixels, 300, 300, "tf1")
    rows, columns = (np.arange(300, dtype=np.float32) * np.float32(side / 300) for side in size)
    expected = _along(_along(pixels.astype(float), rows, 0), columns, 1)
    assert np.abs(result - expected).max() < 1e-3


def _along(values: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along one axis; float64 but for the positions, which TensorFlow has as float32."""
    lower = np.floor(positions).astype(int)
    upper = np.minimum(lower + 1, values.shape[axis] - 1)
    shape = [1, 1, 1]
    shape[axis] = -1
    weight = (positions - lower).reshape(shape)
    return values.take(lower, axis) * (1 - weight) + values.take(upper, axis) * weight


@pytest.mark.parametrize("size", [(480, 640), (640, 427), (33, 1)])
def test_opencv_is_opencvs_own(size: tuple[int, int]) -> None:
    pixels = pixels_of(*size)
    assert np.array_equal(resize(pixels, 300, 300, "opencv"), cv2.resize(pixels, (300, 300)))


def test_pillow_is_pillows_own() -> None:
    pixels = pixels_of(123, 77)
    expected = np.asarray(Image.fromarray(pixels).resize((50, 60), Image.Resampling.BILINEAR))
    assert np.array_equal(resize(pixels, 50, 60, "pillow"), expected)


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_the_same_size_changes_nothing(method: str) -> None:
    pixels = pixels_of(30, 40)
    assert np.array_equal(resize(pixels, 40, 30, method), pixels)


@pytest.mark.parametrize("method", ["tf1", "opencv"])
def test_opencv_keeps_to_the_calling_thread(method: ResizeMethod) -> None:
    cv2.setNumThreads(4)
    opencv_as_first_used.cache_clear()
    resize(pixels_of(50, 60), 30, 30, method)
    assert cv2.getNumThreads() == 1
