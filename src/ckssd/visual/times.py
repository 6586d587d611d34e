"""Times of a run for a report: distribution, percentiles, the course of the run, and where the time goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.detect.laps import POSTPROCESSING, RESIZING
from ckssd.visual.run_folder import ImageTimes

PERCENTILES = (50, 75, 90, 95, 99, 100)
MOST_POINTS = 240
BINS = 40
# Beyond this percentile a histogram has one bin for all: a single slow image must not flatten the rest.
SHOWN_PERCENT = 99.0


def describe_times(record: dict[str, Any], times: ImageTimes) -> dict[str, Any]:
    """What docs/schema/report.json has as ``times``; seconds. ``record``: a timer file's content."""
    load, detect = np.asarray(times.load, np.float64), np.asarray(times.detect, np.float64)
    # The first image warms the system up; the record's own numbers leave it out, too.
    warm = slice(1, None) if len(detect) > 1 else slice(None)
    means = {"load": float(load[warm].mean()), "detect": float(detect[warm].mean())}
    return {
        "mode": record["settings"].get("mode", ""),
        "threads": record["settings"].get("threads"),
        "percentiles": [
            {
                "percent": percent,
                "load_s": _percentile(load[warm], percent),
                "detect_s": _percentile(detect[warm], percent),
            }
            for percent in PERCENTILES
        ],
        "split": _split(means, {name: float(np.mean(part[warm])) for name, part in times.parts.items()}),
        "histogram": _histogram(detect[warm]),
        "series": _series(detect),
        "bound": _bound(record, sum(means.values())),
    }


def _split(means: dict[str, float], parts: dict[str, float]) -> list[dict[str, Any]]:
    """Where an image's time goes. A part that nobody could tell apart stays in the whole that it is of."""
    split = dict(means)
    for part, whole, rest in ((RESIZING, "load", "read"), (POSTPROCESSING, "detect", "inference")):
        if part in parts:
            split |= {rest: split.pop(whole) - parts[part], part: parts[part]}
    total = sum(means.values())
    return [
        {"part": name, "mean_s": split[name], "share": split[name] / total if total else 0.0}
        for name in ("load", "read", RESIZING, "detect", "inference", POSTPROCESSING)
        if name in split
    ]


def _percentile(seconds: npt.NDArray[np.float64], percent: float) -> float:
    """A measured time that so many percent stay within, as ckssd.measure.times has it."""
    return float(np.percentile(seconds, percent, method="inverted_cdf"))


def _histogram(seconds: npt.NDArray[np.float64]) -> dict[str, Any]:
    low, high = float(seconds.min()), float(np.percentile(seconds, SHOWN_PERCENT))
    edges = np.linspace(low, high if high > low else low + 1e-6, BINS + 1)
    inside = seconds[seconds <= edges[-1]]
    counts, _ = np.histogram(inside, edges)
    return {"edges_s": edges.tolist(), "images": counts.tolist(), "slower": len(seconds) - len(inside)}


def _series(seconds: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """The run's course: the images in groups, so that any number of them makes a legible line."""
    groups = np.array_split(np.arange(len(seconds)), min(MOST_POINTS, len(seconds)))
    return [
        {
            "image": int(group[0]),
            "lowest_s": float(seconds[group].min()),
            "median_s": float(np.median(seconds[group])),
            "highest_s": float(seconds[group].max()),
        }
        for group in groups
    ]


def _bound(record: dict[str, Any], mean_s: float) -> dict[str, Any]:
    """Images a second if no thread ever waited, and the share of it that was reached."""
    settings = record["settings"]
    side_by_side = settings.get("threads", 1) if settings.get("mode") == "throughput" else 1
    bound = side_by_side / mean_s if mean_s else 0.0
    reached = float(record["images_per_second"])
    return {
        "images_per_second": bound,
        "at_once": side_by_side,
        "reached": reached / bound if bound else None,
    }
