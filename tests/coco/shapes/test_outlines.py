"""Polygons and run lengths say the same as the mask they come from, to pycocotools as well."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from pycocotools import mask as coco_mask

from ckssd.coco.shapes.geometry import SHAPES, Placement, window_of
from ckssd.coco.shapes.outlines import polygons, run_lengths

HEIGHT, WIDTH = 120, 160
Mask = npt.NDArray[np.bool_]


def _shape(name: str, radius: float = 40.0, x: float = 80.3, y: float = 59.1) -> Mask:
    window = window_of(Placement(name, x, y, radius, (0.8, 0.6)), HEIGHT, WIDTH)
    assert window is not None
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[window.rows, window.columns] = window.distance > 0.0
    return mask


def _decode_polygons(found: list[list[float]]) -> Mask:
    merged = coco_mask.merge(coco_mask.frPyObjects(found, HEIGHT, WIDTH))
    return np.asarray(coco_mask.decode(merged), dtype=bool)


def _iou(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_polygon_covers_the_pixels_of_its_mask(name: str) -> None:
    mask = _shape(name)
    assert _iou(mask, _decode_polygons(polygons(mask))) > 0.96


def test_the_hole_of_a_ring_stays_empty() -> None:
    found = polygons(_shape("ring"))
    assert len(found) == 1
    assert not _decode_polygons(found)[52:66, 74:86].any()


def test_a_shape_cut_in_two_has_two_polygons() -> None:
    mask = _shape("square")
    mask[:, 76:84] = False
    found = polygons(mask)
    assert len(found) == 2
    assert _iou(mask, _decode_polygons(found)) > 0.96


def test_pixels_that_touch_by_a_corner_do_not_break_the_outline() -> None:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:20, 10:20] = True
    mask[20:30, 20:30] = True
    assert _decode_polygons(polygons(mask)).sum() == pytest.approx(mask.sum(), rel=0.05)


def test_points_stay_inside_the_image() -> None:
    mask = np.ones((HEIGHT, WIDTH), dtype=bool)
    points = np.array(polygons(mask)[0]).reshape(-1, 2)
    assert points.min() == 0.0
    assert tuple(points.max(axis=0)) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("first_pixel", [False, True])
def test_run_lengths_decode_to_the_same_mask(first_pixel: bool) -> None:
    mask = _shape("star")
    mask[0, 0] = first_pixel
    encoded = run_lengths(mask)
    decoded = coco_mask.decode(coco_mask.frPyObjects(encoded, HEIGHT, WIDTH))
    assert np.array_equal(decoded.astype(bool), mask)
