"""Times of a run: sums and means as the original program had them, percentiles, images a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Times:
    """Seconds. ``load`` and ``detect`` have one entry for each image, in the images' order.

    ``wall``: from the first image's begin to the last one's end. ``startup``: from the process's creation to
    the first detection. ``processor``: what this process used of all processors within ``wall``; on a machine
    that does other work, too, it says more than ``wall``. ``parts``: seconds of parts of ``load`` and
    ``detect`` that could be told apart, by name (ckssd.detect.laps), an entry for each image.
    """

    setup: float
    load: tuple[float, ...]
    detect: tuple[float, ...]
    wall: float
    startup: float = 0.0
    processor: float = 0.0
    parts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def load_total(self) -> float:
        """Time of decoding, resizing and normalising all images."""
        return sum(self.load)

    @property
    def detect_total(self) -> float:
        """Time of detection in all images."""
        return sum(self.detect)

    @property
    def load_average(self) -> float:
        """Time of loading an image."""
        return _average(self.load)

    @property
    def detect_average(self) -> float:
        """Time of detection in an image."""
        return _average(self.detect)

    def detect_percentile(self, percent: float) -> float:
        """The time that so many percent of the images stay within: a measured one, as MLPerf has it."""
        return float(np.percentile(_warm(self.detect), percent, method="inverted_cdf"))

    @property
    def images_per_second(self) -> float:
        """Images decoded, resized and detected in a second of wall time."""
        return len(self.detect) / self.wall

    def as_timer(self) -> dict[str, Any]:
        """What a timer file has of times on its first level, from which CK takes characteristics; seconds."""
        return {
            "execution_time": self.setup + self.wall,
            "run_time_state": self.as_dict(),
            "setup_time_s": self.setup,
            "images_load_time_s": self.load_total,
            "detection_time_avg_s": self.detect_average,
            "detection_time_median_s": self.detect_percentile(50),
            "detection_time_p90_s": self.detect_percentile(90),
            "detection_time_p99_s": self.detect_percentile(99),
            "images_per_second": self.images_per_second,
        }

    def as_dict(self) -> dict[str, float]:
        """The names of the original program's timer file."""
        return {
            "setup_time_s": self.setup,
            "test_time_s": self.wall,
            "images_load_time_total_s": self.load_total,
            "images_load_time_avg_s": self.load_average,
            "prediction_time_total_s": self.detect_total,
            "prediction_time_avg_s": self.detect_average,
            "prediction_time_median_s": self.detect_percentile(50),
            "prediction_time_p90_s": self.detect_percentile(90),
            "prediction_time_p99_s": self.detect_percentile(99),
            "start_to_first_detection_s": self.startup,
            "processor_time_s": self.processor,
            "images_per_second": self.images_per_second,
        }


def _average(seconds: tuple[float, ...]) -> float:
    counted = _warm(seconds)
    return sum(counted) / len(counted)


def _warm(seconds: tuple[float, ...]) -> tuple[float, ...]:
    """All but the first image, which warms the system up; the original program counts so."""
    return seconds[1:] or seconds
