"""Grids of thresholds: exact decimals, both ends, one line for what is none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import UsageError
from ckssd.measure.grid import read_grid


def test_the_default_has_nineteen_thresholds_that_are_written_as_people_write_them() -> None:
    grid = read_grid("--score-threshold", "0.05:0.95:0.05")
    assert [f"{one:g}" for one in grid] == [f"{Decimal(n) / 20:f}" for n in range(1, 20)]
    assert grid[2] == 0.15


@pytest.mark.parametrize(
    ("text", "grid"),
    [("0.5", (0.5,)), ("0.7, 0.3,0.7", (0.3, 0.7)), ("0:1:0.4", (0.0, 0.4, 0.8)), (".5:.5:1", (0.5,))],
)
def test_numbers_and_steps(text: str, grid: tuple[float, ...]) -> None:
    assert read_grid("--score-threshold", text) == grid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "0.1:0.9",
        "0.9:0.1:0.1",
        "0.1:0.9:0",
        "0:2:0.1",
        "-0.1",
        "0.5:1.5",
        "nan",
        "1e-3",
        "0:1:0.0001",
        "0.1,,0.2",
        "0.1:0.9:0.1:1",
    ],
)
def test_what_is_no_grid_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--score-threshold"):
        read_grid("--score-threshold", text)


def test_an_iou_of_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        read_grid("--nms-iou", "0:0.5:0.1", above_zero=True)


@given(st.text(max_size=20))
def test_any_text_is_a_grid_or_one_error(text: str) -> None:
    try:
        grid = read_grid("--score-threshold", text)
    except UsageError:
        return
    assert list(grid) == sorted(set(grid))
    assert 0 <= grid[0] <= grid[-1] <= 1
