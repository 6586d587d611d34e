"""Anchors for another image size, against the Object Detection API's own formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import InputError
from ckssd.graph.ssd.anchors import Grid, anchors_for_size

SHAPES = [[(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)], [(0.35, 1.0), (0.35, 3.0)]]


def generated(size: tuple[int, int], cells: list[tuple[int, int]]) -> np.ndarray:
    """multiple_grid_anchor_generator.py: xmin, ymin, xmax, ymax for (scale, aspect ratio) per level."""
    rows = []
    for level, (height, width) in enumerate(cells):
        for y in range(height):
            for x in range(width):
                for scale, ratio in SHAPES[level]:
                    h = scale / np.sqrt(ratio) * min(size) / size[0]
                    w = scale * np.sqrt(ratio) * min(size) / size[1]
                    cx, cy = (x + 0.5) / width, (y + 0.5) / height
                    rows.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(rows, np.float32)


def grids(cells: list[tuple[int, int]]) -> list[Grid]:
    return [Grid(height, width, len(SHAPES[level])) for level, (height, width) in enumerate(cells)]


sizes = st.tuples(st.integers(100, 800), st.integers(100, 800))
cell_counts = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=2)


@given(sizes, sizes, cell_counts, cell_counts)
def test_they_are_what_an_export_of_that_size_would_have(
    old: tuple[int, int],
    new: tuple[int, int],
    old_cells: list[tuple[int, int]],
    new_cells: list[tuple[int, int]],
) -> None:
    moved = anchors_for_size(generated(old, old_cells), grids(old_cells), grids(new_cells), old, new)
    np.testing.assert_allclose(moved, generated(new, new_cells), atol=1e-5)


def test_anchors_that_lie_on_no_grid_are_refused() -> None:
    cells = [(2, 2), (1, 1)]
    anchors = generated((300, 300), cells)
    anchors[0] += 0.01
    with pytest.raises(InputError, match="cannot be moved"):
        anchors_for_size(anchors, grids(cells), grids(cells), (300, 300), (320, 320))
    with pytest.raises(InputError, match="cannot be moved"):
        anchors_for_size(anchors[:-1], grids(cells), grids(cells), (300, 300), (320, 320))
