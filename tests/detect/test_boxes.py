"""Anchors are read as they were written; boxes are decoded by the box coder's formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.boxes import decode_boxes, overlaps, read_anchors
from ckssd.errors import InputError
from ckssd.tflite.options import PostProcessOptions

OPTIONS = PostProcessOptions(1, 10, 1, 0.3, 0.6, 10.0, 10.0, 5.0, 5.0)


def test_anchors_come_back_exactly(tmp_path: Path) -> None:
    anchors = np.random.default_rng(1).uniform(0.01, 1, (50, 4)).astype(np.float32)
    path = tmp_path / "flatanchors.txt"
    path.write_text("".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in anchors))
    np.testing.assert_array_equal(read_anchors(path), anchors)


@pytest.mark.parametrize(
    "text", ["", "1 2 3\n", "1 2 3 4\n1 2 3\n", "a b c d\n", "0.5 0.5 0 1\n", "nan 0 1 1\n", "0 0 1e99 1\n"]
)
def test_what_is_no_list_of_anchors_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "flatanchors.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"no list of anchors: .*flatanchors\.txt"):
        read_anchors(path)


def test_missing_anchors_are_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The anchors cannot be read"):
        read_anchors(tmp_path / "no.txt")


def test_an_encoding_of_zero_is_the_anchor_itself() -> None:
    anchors = np.array([[0.5, 0.25, 0.5, 0.25]], np.float32)
    boxes = decode_boxes(np.zeros((1, 4), np.float32), anchors, OPTIONS)
    assert boxes.tolist() == [[0.25, 0.125, 0.75, 0.375]]


def test_offsets_are_in_sides_of_the_anchor_over_the_scale_and_sides_exponential() -> None:
    anchors = np.array([[0.5, 0.5, 0.2, 0.4]], np.float32)
    encodings = np.array([[10, -5, 5 * np.log(2), 0]], np.float32)
    top, left, bottom, right = decode_boxes(encodings, anchors, OPTIONS)[0]
    assert (top + bottom) / 2 == pytest.approx(0.5 + 0.2)
    assert (left + right) / 2 == pytest.approx(0.5 - 0.5 * 0.4)
    assert (bottom - top, right - left) == pytest.approx((0.4, 0.4))


def test_overlaps_compares_every_pair() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.5], [2, 2, 3, 3], [1, 1, 1, 1]], np.float32)
    half = overlaps(boxes, boxes[:2], 0.49)
    assert half.tolist() == [[True, True], [True, True], [False, False], [False, False]]
    assert not overlaps(boxes, boxes, 0.5)[0, 1]
    assert not overlaps(boxes, boxes, 0.0)[3].any()
