"""What surfaces look like: backgrounds and fills, as float64 colours in 0..255.

Colour arrays are planar, shape [3, height, width] (red, green, blue), which numpy handles much faster.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ckssd.coco.shapes.draws import Draws, Floats


def background(draws: Draws, height: int, width: int) -> Floats:
    """Paint a background: two colours mixed by noise octaves, perhaps stripes, clutter lines."""
    first = draws.colour()[:, None, None]
    second = draws.colour()[:, None, None]
    if draws.chance(0.5):  # half of the backgrounds are of low contrast
        second = first + 0.35 * (second - first)
    mix = octaves(draws, height, width, draws.integer(2, 5), draws.uniform(40.0, 220.0))
    image = first + mix * (second - first)
    if draws.chance(0.3):
        strength = draws.uniform(0.1, 0.45)
        bars = strength * _image_stripes(draws, height, width)
        image += bars * (draws.colour()[:, None, None] - image)
    for _ in range(draws.integer(0, 14)):
        _clutter_line(draws, image)
    return image


def fill(draws: Draws, x: Floats, y: Floats, colour: Floats) -> Floats:
    """Paint a shape's surface: flat, graded, striped or cloudy around one colour.

    Parameters
    ----------
    draws
        The image's random numbers.
    x, y
        Pixels in the shape's own frame, in units of its radius, shape [rows, columns].
    colour
        Red, green, blue, shape [3].

    Returns
    -------
    Floats
        Shape [3, rows, columns].
    """
    rows, columns = x.shape
    kind = draws.integer(0, 3)
    other = colour + draws.uniform(0.15, 0.4) * (draws.colour() - colour)
    if kind == 0:
        mix = np.zeros((rows, columns))
    elif kind == 1:
        cos, sin = draws.direction()
        mix = np.clip(0.5 + 0.5 * (x * cos + y * sin), 0.0, 1.0)
    elif kind == 2:
        mix = _stripes(x, y, draws.direction(), draws.uniform(0.15, 0.5), draws.uniform(0.0, 1.0), 0.05)
    else:
        mix = octaves(draws, rows, columns, 3, draws.uniform(0.3, 0.8) * max(rows, columns))
    return colour[:, None, None] + mix * (other - colour)[:, None, None]


def grain(draws: Draws, image: Floats) -> Floats:
    """Add sensor-like noise, the same for all three channels, of a random strength."""
    _, height, width = image.shape
    strength = draws.uniform(0.0, 24.0)
    return image + strength * (draws.field(height, width) - 0.5)


def octaves(draws: Draws, height: int, width: int, count: int, period: float) -> Floats:
    """Sum smooth noise of halving period and amplitude; values in [0, 1], shape [height, width].

    Parameters
    ----------
    count
        Number of octaves.
    period
        Pixels between the grid points of the first.
    """
    total = np.zeros((height, width))
    amplitude, weight = 1.0, 0.0
    for _ in range(count):
        total += amplitude * _smooth_noise(draws, height, width, period)
        weight += amplitude
        amplitude *= 0.5
        period = max(2.0, period / 2.0)
    return total / weight


def _smooth_noise(draws: Draws, height: int, width: int, period: float) -> Floats:
    grid = draws.field(int(height / period) + 3, int(width / period) + 3)
    row, row_part = _grid_steps(height, period, draws.uniform(0.0, 1.0))
    column, column_part = _grid_steps(width, period, draws.uniform(0.0, 1.0))
    along = grid[:, column] + column_part[None, :] * (grid[:, column + 1] - grid[:, column])
    return np.asarray(along[row] + row_part[:, None] * (along[row + 1] - along[row]))


def _grid_steps(length: int, period: float, start: float) -> tuple[npt.NDArray[np.intp], Floats]:
    position = np.arange(length, dtype=np.float64) / period + start
    cell = np.floor(position)
    part = position - cell
    return cell.astype(np.intp), part * part * (3.0 - 2.0 * part)


def _stripes(
    x: Floats, y: Floats, direction: tuple[float, float], period: float, phase: float, softness: float
) -> Floats:
    """A triangle wave, sharpened to bars with soft edges; values in [0, 1]."""
    wave = (x * direction[0] + y * direction[1]) / period + phase
    triangle = np.abs(wave - np.floor(wave) - 0.5)  # 0 .. 0.5
    return np.clip((triangle - 0.25) / softness + 0.5, 0.0, 1.0)


def _image_stripes(draws: Draws, height: int, width: int) -> Floats:
    columns = np.arange(width, dtype=np.float64)[None, :]
    rows = np.arange(height, dtype=np.float64)[:, None]
    period = draws.uniform(8.0, 60.0)
    return _stripes(columns, rows, draws.direction(), period, draws.uniform(0.0, 1.0), 0.1)


def _clutter_line(draws: Draws, image: Floats) -> None:
    """Draw a thin straight line of a random colour into the image, anti-aliased."""
    _, height, width = image.shape
    x0, y0 = draws.uniform(0.0, width), draws.uniform(0.0, height)
    cos, sin = draws.direction()
    length = draws.uniform(0.1, 0.9) * min(height, width)
    half_width = draws.uniform(0.5, 2.5)
    x1, y1 = x0 + length * cos, y0 + length * sin
    left, right = max(0, math.floor(min(x0, x1) - 4)), min(width, math.ceil(max(x0, x1) + 4))
    top, bottom = max(0, math.floor(min(y0, y1) - 4)), min(height, math.ceil(max(y0, y1) + 4))
    colour, opacity = draws.colour(), draws.uniform(0.4, 1.0)
    x = (np.arange(left, right, dtype=np.float64) + 0.5 - x0)[None, :]
    y = (np.arange(top, bottom, dtype=np.float64) + 0.5 - y0)[:, None]
    along, across = x * cos + y * sin, np.abs(y * cos - x * sin)
    inside = np.minimum(half_width - across, np.minimum(along, length - along))
    cover = opacity * np.clip(inside + 0.5, 0.0, 1.0)
    part = image[:, top:bottom, left:right]
    part += cover * (colour[:, None, None] - part)
