"""One image of the data set: which shapes are where, how much of each is seen, and the pixels.

Shapes are placed first (painter's order, a later one hides the earlier), then painted. A placement that would
leave less than ``MIN_VISIBLE`` of any shape in sight is drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ckssd.coco.shapes import textures
from ckssd.coco.shapes.draws import Draws, Floats
from ckssd.coco.shapes.geometry import SHAPES, Placement, Window, window_of

# (width, height) in pixels; COCO's own range.
IMAGE_SIZES = (
    (640, 480),
    (480, 640),
    (640, 427),
    (427, 640),
    (500, 375),
    (375, 500),
    (640, 360),
    (320, 240),
    (240, 320),
    (400, 400),
)
MAX_OBJECTS = 7
MIN_SIZE, MAX_SIZE = 0.13, 0.70  # diameter, of the image's short side
MIN_VISIBLE = 0.65
CROWD_CHANCE = 0.04
CROWD_SHAPES = (10, 18)
CROWD_SIZE = (0.04, 0.08)
_TRIES = 30
_NOBODY = -1

Mask = npt.NDArray[np.bool_]
Owners = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Thing:
    """What one annotation is about: a shape, or a crowd of small shapes of one kind."""

    name: str
    mask: Mask  # visible pixels, shape [height, width]
    is_crowd: bool


@dataclass(frozen=True)
class Scene:
    """One image with its annotations' masks."""

    pixels: npt.NDArray[np.uint8]  # [height, width, 3], red green blue
    things: list[Thing]
    quality: int  # of the JPEG file


@dataclass
class _Placed:
    name: str
    windows: list[Window]
    full_area: int
    is_crowd: bool


def draw_scene(draws: Draws) -> Scene:
    """Draw one image from its random numbers."""
    width, height = draws.choice(IMAGE_SIZES)
    placed, owners = _place_all(draws, height, width)
    image = textures.background(draws, height, width)
    ground = image.mean(axis=(1, 2)).round(6)
    colours = [ground]
    for one in placed:
        _paint(draws, image, one, colours)
    planes = np.clip(np.floor(textures.grain(draws, image) + 0.5), 0.0, 255.0).astype(np.uint8)
    pixels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    things = [Thing(one.name, owners == number, one.is_crowd) for number, one in enumerate(placed)]
    return Scene(pixels, things, draws.integer(80, 95))


def _place_all(draws: Draws, height: int, width: int) -> tuple[list[_Placed], Owners]:
    owners: Owners = np.full((height, width), _NOBODY, dtype=np.int16)
    placed: list[_Placed] = []
    if draws.chance(CROWD_CHANCE):
        _try_to_add(_draw_crowd(draws, height, width), placed, owners)
    wanted = len(placed) + draws.integer(1, MAX_OBJECTS)
    while len(placed) < wanted:
        for _ in range(_TRIES):
            if _try_to_add(_draw_shape(draws, height, width), placed, owners):
                break
        else:  # the image is full
            wanted -= 1
    return placed, owners


def _draw_shape(draws: Draws, height: int, width: int) -> _Placed:
    placement = Placement(
        name=draws.choice(tuple(SHAPES)),
        centre_x=draws.uniform(0.0, width),
        centre_y=draws.uniform(0.0, height),
        radius=0.5 * draws.uniform(MIN_SIZE, MAX_SIZE) * min(height, width),
        rotation=draws.direction(),
    )
    return _as_placed(placement.name, [placement], height, width, is_crowd=False)


def _draw_crowd(draws: Draws, height: int, width: int) -> _Placed:
    name = draws.choice(tuple(SHAPES))
    short = min(height, width)
    centre_x, centre_y = draws.uniform(0.3, 0.7) * width, draws.uniform(0.3, 0.7) * height
    placements = [
        Placement(
            name=name,
            centre_x=centre_x + draws.uniform(-0.2, 0.2) * short,
            centre_y=centre_y + draws.uniform(-0.2, 0.2) * short,
            radius=0.5 * draws.uniform(*CROWD_SIZE) * short,
            rotation=draws.direction(),
        )
        for _ in range(draws.integer(*CROWD_SHAPES))
    ]
    return _as_placed(name, placements, height, width, is_crowd=True)


def _as_placed(name: str, placements: list[Placement], height: int, width: int, *, is_crowd: bool) -> _Placed:
    found = [window_of(placement, height, width) for placement in placements]
    windows = [window for window in found if window is not None]
    return _Placed(name, windows, sum(window.full_area for window in windows), is_crowd)


def _try_to_add(new: _Placed, placed: list[_Placed], owners: Owners) -> bool:
    """Add a shape on top if all stay visible enough; ``placed`` and ``owners`` are changed only then."""
    candidate = owners.copy()
    for window in new.windows:
        candidate[window.rows, window.columns][window.distance > 0.0] = len(placed)
    everyone = [*placed, new]
    seen = np.bincount((candidate + 1).ravel(), minlength=len(everyone) + 1)[1:]
    for one, pixels in zip(everyone, seen, strict=True):
        # Shapes of a crowd may hide each other; a crowd only has to stay recognisable.
        least = 0.4 if one.is_crowd else MIN_VISIBLE
        if pixels < least * one.full_area or pixels == 0:
            return False
    owners[:] = candidate
    placed.append(new)
    return True


def _paint(draws: Draws, image: Floats, one: _Placed, colours: list[Floats]) -> None:
    colour = _distinct_colour(draws, colours)
    colours.append(colour)
    has_outline = draws.chance(0.3)
    outline = draws.colour()
    thickness = draws.uniform(1.0, 3.5)
    for window in one.windows:
        surface = textures.fill(draws, window.x, window.y, colour)
        if has_outline:
            edge = np.clip(thickness - window.distance + 0.5, 0.0, 1.0)
            surface += edge * (outline[:, None, None] - surface)
        cover = np.clip(window.distance + 0.5, 0.0, 1.0)
        part = image[:, window.rows, window.columns]
        part += cover * (surface - part)


def _distinct_colour(draws: Draws, others: list[Floats]) -> Floats:
    """A colour that differs from the background and the shapes before it; the best of ten draws."""
    best, best_gap = draws.colour(), -1.0
    for _ in range(10):
        colour = draws.colour()
        gap = min(float(np.abs(colour - other).max()) for other in others)
        if gap > best_gap:
            best, best_gap = colour, gap
        if gap > 80.0:
            break
    return best
