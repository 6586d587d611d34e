"""The six shapes as signed distances to their edge, and the windows of pixels they cover.

A distance is in pixels, positive inside; its clamp to [0, 1] around the edge is the coverage that
anti-aliases the shape. All shapes have the circumscribed radius 1 before scaling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ckssd.coco.shapes.draws import Floats

RING_HOLE = 0.55  # inner radius of a ring, of the outer radius
CROSS_ARM = 0.32  # half the width of a cross's arm, of the circumscribed radius

# Unit vectors at multiples of 72 degrees; rounded so that the maths library's last bit does not matter.
_FIFTHS = [(round(math.cos(k * math.tau / 5), 12), round(math.sin(k * math.tau / 5), 12)) for k in range(5)]
_THIRDS = [(round(math.cos(k * math.tau / 3), 12), round(math.sin(k * math.tau / 3), 12)) for k in range(3)]
# Distance from the centre to the five lines of a pentagram whose tips lie on the unit circle: cos 72 degrees.
_PENTAGRAM_INRADIUS = (math.sqrt(5.0) - 1.0) / 4.0


def _circle(x: Floats, y: Floats) -> Floats:
    return 1.0 - np.sqrt(x * x + y * y)


def _ring(x: Floats, y: Floats) -> Floats:
    radius = np.sqrt(x * x + y * y)
    return np.minimum(1.0 - radius, radius - RING_HOLE)


def _square(x: Floats, y: Floats) -> Floats:
    return math.sqrt(0.5) - np.maximum(np.abs(x), np.abs(y))


def _triangle(x: Floats, y: Floats) -> Floats:
    sides = [0.5 - (x * cos + y * sin) for cos, sin in _THIRDS]
    return np.minimum(np.minimum(sides[0], sides[1]), sides[2])


def _star(x: Floats, y: Floats) -> Floats:
    """A point lies in the pentagram if it is on the inner side of at least four of its five lines."""
    lowest = np.full_like(x, np.inf)
    second = np.full_like(x, np.inf)
    for cos, sin in _FIFTHS:
        side = _PENTAGRAM_INRADIUS - (x * cos + y * sin)
        second = np.minimum(second, np.maximum(lowest, side))
        lowest = np.minimum(lowest, side)
    return second


def _cross(x: Floats, y: Floats) -> Floats:
    length = math.sqrt(1.0 - CROSS_ARM * CROSS_ARM)
    across, along = np.abs(x), np.abs(y)
    standing = np.minimum(CROSS_ARM - across, length - along)
    lying = np.minimum(length - across, CROSS_ARM - along)
    return np.maximum(standing, lying)


# In the order of their category ids, 1 to 6.
SHAPES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "cross": _cross,
}


@dataclass(frozen=True)
class Placement:
    """One shape in an image: centre and circumscribed radius in pixels, rotation as (cosine, sine)."""

    name: str
    centre_x: float
    centre_y: float
    radius: float
    rotation: tuple[float, float]


@dataclass(frozen=True)
class Window:
    """The part of an image that a shape touches, with its distances there.

    Attributes
    ----------
    rows, columns
        Slices into the image (height, width).
    distance
        Signed distance to the edge in pixels, positive inside, shape [rows, columns].
    x, y
        The same pixels in the shape's own frame, in units of its radius.
    full_area
        Pixels of the whole shape, also of its parts outside the image.
    """

    rows: slice
    columns: slice
    distance: Floats
    x: Floats
    y: Floats
    full_area: int


def window_of(placement: Placement, height: int, width: int) -> Window | None:
    """Draw a shape's distances in the image's pixels; None if it lies outside the image.

    The centre of the pixel in row r and column c is at (c + 0.5, r + 0.5).
    """
    reach = placement.radius + 1.0
    left = math.floor(placement.centre_x - reach)
    right = math.ceil(placement.centre_x + reach)
    top = math.floor(placement.centre_y - reach)
    bottom = math.ceil(placement.centre_y + reach)
    across = (np.arange(left, right, dtype=np.float64) + (0.5 - placement.centre_x)) / placement.radius
    down = (np.arange(top, bottom, dtype=np.float64) + (0.5 - placement.centre_y)) / placement.radius
    cos, sin = placement.rotation
    x = across[None, :] * cos + down[:, None] * sin
    y = down[:, None] * cos - across[None, :] * sin
    distance = SHAPES[placement.name](x, y) * placement.radius
    inside_rows = slice(max(0, -top), min(height, bottom) - top)
    inside_columns = slice(max(0, -left), min(width, right) - left)
    if inside_rows.start >= inside_rows.stop or inside_columns.start >= inside_columns.stop:
        return None
    part = (inside_rows, inside_columns)
    return Window(
        rows=slice(inside_rows.start + top, inside_rows.stop + top),
        columns=slice(inside_columns.start + left, inside_columns.stop + left),
        distance=distance[part],
        x=x[part],
        y=y[part],
        full_area=int(np.count_nonzero(distance > 0.0)),
    )
