"""Measured beside published accuracy: compared only when it is the same experiment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import UsageError
from ckssd.measure.published import AGREES_WITHIN, PREFIX, Published, comparison, why_not_comparable

VARIABLES = {
    f"{PREFIX}DATASET_TYPE": "coco",
    f"{PREFIX}IMAGES": "5000",
    f"{PREFIX}REGULAR_MAP": "0.22349680978666922",
    f"{PREFIX}REGULAR_RECALL": "0.2550505369422975",
}
PUBLISHED = Published.from_environment(VARIABLES, "regular")


def test_the_entrys_figures_are_read_to_the_last_digit() -> None:
    assert Published("coco", 5000, 0.22349680978666922, 0.2550505369422975, 0.3) == PUBLISHED
    assert Published.from_environment(VARIABLES, "fast") is None
    assert Published.from_environment({}, "regular") is None


def test_a_figure_that_is_no_number_names_its_variable() -> None:
    with pytest.raises(UsageError, match="PUBLISHED_REGULAR_MAP"):
        Published.from_environment({**VARIABLES, f"{PREFIX}REGULAR_MAP": "high"}, "regular")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dataset_type": "shapes"}, "data set coco, this is shapes"),
        ({"images": 100}, "5000 images, this run had 100"),
        ({"score_threshold": 1e-5}, "score threshold 0.3, this run had 1e-05"),
    ],
)
def test_another_experiment_is_not_compared(change: dict[str, object], reason: str) -> None:
    run = {"dataset_type": "coco", "images": 5000, "score_threshold": 0.3}
    assert why_not_comparable(PUBLISHED, **run) is None  # type: ignore[arg-type]
    assert reason in (why_not_comparable(PUBLISHED, **{**run, **change}) or "")  # type: ignore[arg-type]
    assert "none is known" in (why_not_comparable(None, **run) or "")  # type: ignore[arg-type]


@given(st.floats(-0.2, 0.2))
def test_agreement_is_within_the_stated_distance(distance: float) -> None:
    assert PUBLISHED is not None
    line, _ = comparison(PUBLISHED, PUBLISHED.mean_average_precision + distance, PUBLISHED.recall)
    measured = abs(PUBLISHED.mean_average_precision + distance - PUBLISHED.mean_average_precision)
    assert ("agrees" in line) == (measured <= AGREES_WITHIN)
    assert ("DIFFERS" in line) != ("agrees" in line)


@pytest.mark.parametrize(("distance", "verdict"), [(0.0049, "agrees"), (-0.0051, "DIFFERS")])
def test_five_thousandths_apart_is_still_the_same_accuracy(distance: float, verdict: str) -> None:
    assert PUBLISHED is not None
    lines = comparison(PUBLISHED, PUBLISHED.mean_average_precision, PUBLISHED.recall + distance)
    assert lines[1].endswith(f"{verdict} (within 0.005)")
