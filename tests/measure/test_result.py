"""What a result says of its two processes' memory."""

from __future__ import annotations

import pytest

from ckssd.measure.result import PeakMemory


@pytest.mark.parametrize(("detecting", "metrics", "larger"), [(100.04, 90.0, 100.0), (100.0, 824.2, 824.2)])
def test_a_run_needs_as_much_as_the_larger_of_its_processes(
    detecting: float, metrics: float, larger: float
) -> None:
    found = PeakMemory(detecting, metrics).as_dict()
    assert found["peak_memory_mb"] == larger
    assert (found["detecting_peak_memory_mb"], found["metrics_peak_memory_mb"]) == (
        round(detecting, 1),
        metrics,
    )
