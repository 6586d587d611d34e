"""Anchors for another image size than the one a graph was exported for.

A graph holds the anchors of its own size as constants. An SSD's anchors lie on a grid per feature map: the
same boxes around the centre of every cell. So the boxes are taken from the graph, and put on the new grids.
Source of the formulas: Object Detection API, anchor_generators/multiple_grid_anchor_generator.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ckssd.errors import InputError

Boxes = npt.NDArray[np.float32]
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Grid:
    """A feature map's cells, and how many anchors stand on each."""

    height: int
    width: int
    per_cell: int

    @property
    def anchors(self) -> int:
        """How many anchors the feature map has."""
        return self.height * self.width * self.per_cell

    def __str__(self) -> str:
        """As people write it: 19x19x3."""
        return f"{self.height}x{self.width}x{self.per_cell}"


def anchors_for_size(
    anchors: Boxes,
    old_grids: Sequence[Grid],
    new_grids: Sequence[Grid],
    old_size: tuple[int, int],
    new_size: tuple[int, int],
) -> Boxes:
    """Return the anchors of another image size.

    Parameters
    ----------
    anchors
        Shape [P, 4]: xmin, ymin, xmax, ymax as fractions of the image; in the order of the grids, row by row.
    old_grids, new_grids
        The feature maps at both sizes, in the same order.
    old_size, new_size
        Height and width of the image in pixels.

    Raises
    ------
    InputError
        If the anchors do not lie on the grids: then nobody knows where the others would.
    """
    if sum(grid.anchors for grid in old_grids) != len(anchors):
        raise _no_grid(f"{len(anchors)} anchors on the grids {', '.join(map(str, old_grids))}")
    # The generator's boxes are relative to the shorter side.
    scale_y, scale_x = (
        (min(new_size) / new_size[side]) / (min(old_size) / old_size[side]) for side in (0, 1)
    )
    parts, start = [], 0
    for old, new in zip(old_grids, new_grids, strict=True):
        sizes = _sizes(anchors[start : start + old.anchors], old)
        start += old.anchors
        parts.append(_on_grid(sizes * [scale_x, scale_y], new))
    return np.concatenate(parts).astype(np.float32)


def _sizes(anchors: Boxes, grid: Grid) -> npt.NDArray[np.float64]:
    """Width and height [per_cell, 2] of the boxes around every cell's centre."""
    boxes = anchors.astype(np.float64).reshape(grid.height * grid.width, grid.per_cell, 4)
    sizes = np.median(boxes[:, :, 2:] - boxes[:, :, :2], axis=0)
    again = _on_grid(sizes, grid).reshape(boxes.shape)
    if np.abs(again - boxes).max() > TOLERANCE:
        raise _no_grid(f"anchors of the {grid} grid that are not the same around every cell's centre")
    return np.asarray(sizes)


def _on_grid(sizes: npt.NDArray[np.float64], grid: Grid) -> npt.NDArray[np.float64]:
    """Boxes [cells * per_cell, 4] of these sizes around the centre of every cell."""
    y, x = np.mgrid[: grid.height, : grid.width]
    centres = np.stack([(x + 0.5) / grid.width, (y + 0.5) / grid.height], axis=-1).reshape(-1, 1, 2)
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1).reshape(-1, 4)


def _no_grid(got: str) -> InputError:
    return InputError(
        "The graph's anchors cannot be moved to another image size",
        where="--input_shape",
        expected="the same anchors around the centre of every cell of each feature map",
        got=got,
        advice="export the graph again with that size in pipeline.config",
    )
