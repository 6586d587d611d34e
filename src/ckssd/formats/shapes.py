"""Outlines of every kind as the boxes around them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ckssd.formats.content import Box, rounded

OUTLINES = "{} read as their bounding boxes"
LEFT_OUT = "{} left out: they have no box"


def around(category: str, xs: Sequence[float], ys: Sequence[float]) -> Box:
    """The box around points; at least one."""
    left, top = min(xs), min(ys)
    return Box(category, rounded(left), rounded(top), rounded(max(xs) - left), rounded(max(ys) - top))


def turned(category: str, corners: Sequence[float], degrees: float) -> Box:
    """The box around a rectangle (left, top, right, bottom) that is turned around its centre."""
    left, top, right, bottom = corners
    cosine, sine = _direction(degrees)
    x, y, across, down = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
    half_width, half_height = across * cosine + down * sine, across * sine + down * cosine
    return around(category, (x - half_width, x + half_width), (y - half_height, y + half_height))


def ellipse(category: str, centre: Sequence[float], radii: Sequence[float], degrees: float) -> Box:
    """The box around an ellipse that is turned around its centre."""
    (x, y), (across, down) = centre, radii
    cosine, sine = _direction(degrees)
    half_width = math.hypot(across * cosine, down * sine)
    half_height = math.hypot(across * sine, down * cosine)
    return around(category, (x - half_width, x + half_width), (y - half_height, y + half_height))


def _direction(degrees: float) -> tuple[float, float]:
    """The lengths of cosine and sine; exact for quarter turns."""
    if degrees % 90 == 0:
        return (1.0, 0.0) if degrees % 180 == 0 else (0.0, 1.0)
    return abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
