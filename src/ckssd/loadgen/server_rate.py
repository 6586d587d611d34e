"""The rate of Server's queries that a machine can promise: a queue simulated with the measured times.

Queries come at random (a Poisson process) and take the first detector that is free. So a query waits although
the detectors are mostly idle, and the bound on its latency, not the detectors' speed alone, decides the rate.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

QUERIES = 8_000  # simulated; a second or so for a whole search would be too long
STEPS = 10  # of the search: to a thousandth of the rate that all detectors together reach
LEAST_SHARE = 0.01  # of that rate; less is no rate that anybody wants to measure
# Of the queries that may be late, the simulation has at most this share: early stopping wants more than the
# percentile itself, and threads do not change places at once.
LATE_SHARE = 0.5
RESERVE = 0.9  # of the rate that was found


def server_rate(times: Sequence[float], detectors: int, within_s: float, percentile: float) -> float | None:
    """Queries a second whose latency's percentile stays within the bound.

    Parameters
    ----------
    times
        Measured seconds of detections, with all detectors busy.
    within_s
        The bound on a query's latency, its waiting included, in seconds.
    percentile
        From 0 to 1: the share of queries that has to keep the bound.

    Returns
    -------
    float or None
        None: there is no such rate, because detecting alone takes too long.
    """
    late = (1 - percentile) * LATE_SHARE
    random = np.random.default_rng(0)
    gaps, served = random.exponential(1.0, QUERIES), random.choice(np.asarray(times, float), QUERIES)
    most = detectors / float(np.mean(served))

    def fits(rate: float) -> bool:
        return share_late(np.cumsum(gaps) / rate, served, detectors, within_s) <= late

    low, high = most * LEAST_SHARE, most
    if not fits(low):
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low * RESERVE


def share_late(
    arrivals: npt.NDArray[np.float64], served: npt.NDArray[np.float64], detectors: int, within_s: float
) -> float:
    """The share of queries that take longer than the bound: first come, first served.

    Parameters
    ----------
    arrivals
        Seconds, ascending.
    served
        Seconds that each query's detection takes.
    """
    free = [-math.inf] * detectors
    late = 0
    for arrived, seconds in zip(arrivals.tolist(), served.tolist(), strict=True):
        ended = max(arrived, free[0]) + seconds
        heapq.heapreplace(free, ended)
        late += ended - arrived > within_s
    return late / len(arrivals)
