"""The shapes have the areas and extents that their formulas say, whatever their rotation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ckssd.coco.shapes.geometry import CROSS_ARM, RING_HOLE, SHAPES, Placement, window_of

RADIUS = 100.0
_ARM = math.sqrt(1.0 - CROSS_ARM**2)
# A pentagram of circumscribed radius 1: ten triangles between a tip, the centre and a notch.
_NOTCH = math.cos(math.radians(72)) / math.cos(math.radians(36))
AREAS = {
    "circle": math.pi,
    "square": 2.0,
    "triangle": 3.0 * math.sqrt(3.0) / 4.0,
    "star": 5.0 * _NOTCH * math.sin(math.radians(36)),
    "ring": math.pi * (1.0 - RING_HOLE**2),
    "cross": 8.0 * CROSS_ARM * _ARM - 4.0 * CROSS_ARM**2,
}


def _place(name: str, degrees: float, x: float = 150.0, y: float = 150.0) -> Placement:
    angle = math.radians(degrees)
    return Placement(name, x, y, RADIUS, (math.cos(angle), math.sin(angle)))


def test_every_shape_has_a_known_area() -> None:
    assert set(AREAS) == set(SHAPES)


@pytest.mark.parametrize("degrees", [0.0, 17.0, 203.0])
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_area_and_reach_do_not_depend_on_the_rotation(name: str, degrees: float) -> None:
    window = window_of(_place(name, degrees), 300, 300)
    assert window is not None
    assert window.full_area == pytest.approx(AREAS[name] * RADIUS**2, rel=0.01)
    mask = window.distance > 0.0
    rows, columns = np.nonzero(mask)
    away = np.hypot(rows + window.rows.start + 0.5 - 150.0, columns + window.columns.start + 0.5 - 150.0)
    assert away.max() == pytest.approx(RADIUS, abs=3.0)  # a tip's last pixel is thin
    assert away.max() <= RADIUS


def test_a_clipped_shape_keeps_its_full_area() -> None:
    inside = window_of(_place("square", 30.0), 300, 300)
    clipped = window_of(_place("square", 30.0, x=290.0, y=10.0), 300, 300)
    assert inside is not None
    assert clipped is not None
    assert clipped.full_area == pytest.approx(inside.full_area, rel=0.001)
    assert (clipped.columns.stop, clipped.rows.start) == (300, 0)
    assert 0 < np.count_nonzero(clipped.distance > 0.0) < 0.5 * clipped.full_area


def test_a_shape_outside_the_image_has_no_window() -> None:
    assert window_of(_place("circle", 0.0, x=-200.0), 300, 300) is None
