"""The rate of Server's queries: against what queueing theory knows, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckssd.loadgen.server_rate import RESERVE, server_rate, share_late

P99 = 0.99


def test_late_queries_are_those_of_an_m_m_1_queue() -> None:
    """There, P(latency > t) = exp(-(mu - lambda) t)."""
    random = np.random.default_rng(1)
    arrivals = np.cumsum(random.exponential(1 / 50, 100_000))
    served = random.exponential(1 / 100, 100_000)
    for bound in (0.01, 0.03, 0.06):
        assert share_late(arrivals, served, 1, bound) == pytest.approx(math.exp(-50 * bound), rel=0.1)


@settings(max_examples=10, deadline=None)
@given(seconds=st.floats(0.0005, 0.02), detectors=st.integers(1, 4), bound=st.floats(0.005, 0.05))
def test_the_rate_keeps_the_bound_in_a_queue_of_its_own(seconds: float, detectors: int, bound: float) -> None:
    found = server_rate([seconds], detectors, bound, P99)
    if found is None:
        assert seconds > 0.9 * bound
        return
    assert 0 < found <= RESERVE * detectors / seconds
    arrivals = np.cumsum(np.random.default_rng(2).exponential(1 / found, 20_000))
    assert share_late(arrivals, np.full(20_000, seconds), detectors, bound) <= 1 - P99


def test_no_rate_helps_where_detecting_alone_takes_too_long() -> None:
    assert server_rate([0.011], 2, 0.010, P99) is None
    assert server_rate([0.002] * 98 + [0.012] * 2, 2, 0.010, P99) is None
    assert server_rate([0.002] * 999 + [0.012], 2, 0.010, P99) is not None
