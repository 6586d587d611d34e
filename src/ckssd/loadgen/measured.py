"""How fast a model answers here, measured before LoadGen begins: its settings need it, and it warms up."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

from ckssd.detect.backends import Detector
from ckssd.loadgen.library import SampleLibrary
from ckssd.measure.images import Steps

IMAGES = 16
SECONDS = 1.0
WARM_UP_SECONDS = 0.2
WARMING = 2  # detections that do not count


@dataclass(frozen=True)
class Measured:
    """``latency_s``: median seconds of one image; ``rate``: images a second by all detectors at once.

    ``times``: seconds of each image.
    """

    latency_s: float
    rate: float
    times: tuple[float, ...] = ()


def measure(
    detectors: Sequence[Detector], library: SampleLibrary, steps: Steps, seconds: float = SECONDS
) -> Measured:
    """Detect in a few images for some time; raises as ckssd.measure.images.Steps does."""
    indices = [*range(min(IMAGES, len(library)))]
    library.load(indices)
    with ThreadPoolExecutor(len(detectors), thread_name_prefix="measure") as pool:
        began = perf_counter()
        taken = [*pool.map(lambda detector: _repeat(detector, library, steps, indices, seconds), detectors)]
        wall = perf_counter() - began
    library.unload(indices)
    library.load_times.clear()
    times = [seconds for one in taken for seconds in one]
    done = len(times) + WARMING * len(detectors)
    return Measured(statistics.median(times), done / wall, tuple(times))


def _repeat(
    detector: Detector, library: SampleLibrary, steps: Steps, indices: Sequence[int], seconds: float
) -> list[float]:
    """Seconds of each detection but the first ones."""
    times: list[float] = []
    over = perf_counter() + seconds
    while perf_counter() < over or len(times) <= WARMING:
        fed = library.get(indices[len(times) % len(indices)])
        began = perf_counter()
        steps.detect(fed, detector)
        times.append(perf_counter() - began)
    return times[WARMING:]
