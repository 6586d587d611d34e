"""From a mask to COCO's two kinds of segmentation: polygons for objects, run lengths for crowds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ckssd.coco.shapes.draws import Floats

Mask = npt.NDArray[np.bool_]
Point = tuple[int, int]

SIMPLIFY_PIXELS = 0.75  # a polygon may leave the pixels' edges by this much
SMALLEST_AREA = 4.0  # pixels; smaller pieces have no polygon


def run_lengths(mask: Mask) -> dict[str, list[int]]:
    """Encode a mask as COCO's uncompressed RLE: column-major runs, the first of zeros.

    Parameters
    ----------
    mask
        Shape [height, width].
    """
    flat = np.asfortranarray(mask).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    counts = [0, *runs] if flat[0] else runs
    return {"counts": [int(count) for count in counts], "size": [int(side) for side in mask.shape]}


def polygons(mask: Mask) -> list[list[float]]:
    """Trace a mask's outlines as COCO polygons ``[x0, y0, x1, y1, …]`` in pixels.

    A hole is joined to the outline around it by a bridge of no width, as COCO has no other way to say it.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    loops = _loops(mask[top : rows[-1] + 1, left : columns[-1] + 1])
    offset = np.array([left, top], dtype=np.float64)
    outer: list[Floats] = []
    holes: list[Floats] = []
    for loop in loops:
        points = _simplify(np.array(loop, dtype=np.float64))
        area = _signed_area(points)
        if abs(area) >= SMALLEST_AREA and len(points) >= 3:
            (outer if area > 0 else holes).append(points + offset)
    for hole in holes:
        around = _index_around(hole, outer)
        outer[around] = _join(outer[around], hole)
    return [[float(value) for value in points.ravel()] for points in outer]


def _loops(mask: Mask) -> list[list[Point]]:
    """Follow the edges between pixels, inside on the right hand; (x, y) corners, holes run the other way."""
    padded = np.pad(mask, 1)
    following: dict[Point, list[Point]] = {}

    def add(changed: Mask, start: Point, end: Point) -> None:
        for y, x in np.argwhere(changed).tolist():
            following.setdefault((x + start[0], y + start[1]), []).append((x + end[0], y + end[1]))

    inside = padded[1:-1, 1:-1]
    add(inside & ~padded[:-2, 1:-1], (0, 0), (1, 0))  # top edges, to the right
    add(inside & ~padded[1:-1, 2:], (1, 0), (1, 1))  # right edges, downwards
    add(inside & ~padded[2:, 1:-1], (1, 1), (0, 1))  # bottom edges, to the left
    add(inside & ~padded[1:-1, :-2], (0, 1), (0, 0))  # left edges, upwards
    loops = []
    while following:
        start = next(iter(following))
        loop = [start]
        here = _take(following, start, None)
        while here != start:
            before = loop[-1]
            loop.append(here)
            here = _take(following, here, (here[0] - before[0], here[1] - before[1]))
        loops.append(loop)
    return loops


def _take(following: dict[Point, list[Point]], here: Point, step: Point | None) -> Point:
    """Remove and return the next corner; where two pixels only touch at it, turn right (stay on one)."""
    options = following[here]
    chosen = 0
    if len(options) > 1 and step is not None:
        right = (here[0] - step[1], here[1] + step[0])
        chosen = options.index(right) if right in options else 0
    there = options.pop(chosen)
    if not options:
        del following[here]
    return there


def _simplify(loop: Floats) -> Floats:
    """Douglas-Peucker on a closed loop, split at its first corner and the corner farthest from it."""
    step = np.diff(loop, axis=0, append=loop[:1])
    loop = loop[(step != np.roll(step, 1, axis=0)).any(axis=1)]  # corners only
    away = loop - loop[0]
    far = int((away * away).sum(axis=1).argmax())
    first, second = loop[: far + 1], np.concatenate([loop[far:], loop[:1]])
    return np.concatenate([_simplify_line(first)[:-1], _simplify_line(second)[:-1]])


def _simplify_line(line: Floats) -> Floats:
    keep = np.zeros(len(line), dtype=bool)
    keep[[0, -1]] = True
    pending = [(0, len(line) - 1)]
    while pending:
        start, end = pending.pop()
        if end - start < 2:
            continue
        between = line[start + 1 : end] - line[start]
        chord = line[end] - line[start]
        length = float(np.sqrt(chord[0] * chord[0] + chord[1] * chord[1]))
        if length == 0.0:
            gap = np.sqrt(between[:, 0] * between[:, 0] + between[:, 1] * between[:, 1])
        else:
            gap = np.abs(between[:, 0] * chord[1] - between[:, 1] * chord[0]) / length
        worst = int(gap.argmax())
        if gap[worst] > SIMPLIFY_PIXELS:
            middle = start + 1 + worst
            keep[middle] = True
            pending += [(start, middle), (middle, end)]
    return line[keep]


def _signed_area(points: Floats) -> float:
    """Shoelace formula; positive for an outline, negative for a hole (y points down)."""
    following = np.roll(points, -1, axis=0)
    return 0.5 * float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum())


def _index_around(hole: Floats, outer: list[Floats]) -> int:
    """The smallest outline whose box holds the hole's."""
    low, high = hole.min(axis=0), hole.max(axis=0)
    fitting = [
        (abs(_signed_area(points)), index)
        for index, points in enumerate(outer)
        if (points.min(axis=0) <= low + 1.0).all() and (points.max(axis=0) >= high - 1.0).all()
    ]
    return min(fitting)[1] if fitting else 0


def _join(outline: Floats, hole: Floats) -> Floats:
    """Walk the outline to its corner nearest to the hole, around the hole, and on."""
    away = outline[:, None, :] - hole[None, :, :]
    nearest = int(np.argmin((away * away).sum(axis=2)))
    here, there = divmod(nearest, len(hole))
    around = np.concatenate([hole[there:], hole[: there + 1]])
    return np.concatenate([outline[: here + 1], around, outline[here:]])
