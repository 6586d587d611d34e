"""What five times as many images cost in time and memory; as a part of its own, for the float model.

The float model takes 80 s for 5000 images, so `make bench` measures growth with the 8-bit one, in which
all but the network weighs more.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import Context, Row, in_turn, median_ratio

TIMES_AS_MANY = 5
WITHIN = 0.05
MOST_MEMORY_MB = 450


def measure(context: Context) -> list[Row]:
    """The float model in throughput mode."""
    settings = context.settings(resize="opencv")
    more = {**settings, "annotations": str(more_images(context))}
    run = partial(context.run, context.litert_python, "whole_run.py")
    results = in_turn(
        {
            "once": partial(run, context.write("once.json", settings)),
            "more": partial(run, context.write("more.json", more)),
        },
        context.rounds,
    )
    return growth_rows(results["once"], results["more"], "float32")


def more_images(context: Context) -> Path:
    """Annotations that name every image several times, under ids of their own."""
    content = json.loads((context.data / "instances.json").read_text(encoding="utf-8"))
    images = content["images"]
    content["images"] = [
        {**image, "id": image["id"] + number * len(images)}
        for number in range(TIMES_AS_MANY)
        for image in images
    ]
    return context.write("instances-more.json", content)


def growth_rows(once: list[dict[str, Any]], more: list[dict[str, Any]], precision: str) -> list[Row]:
    """Time and peak memory of both, run in turn."""
    images = f"{more[0]['images']} images / {once[0]['images']} images, {precision}"
    return [_time(once, more, images), _memory(once, more, images)]


def _time(once: list[dict[str, Any]], more: list[dict[str, Any]], images: str) -> Row:
    seconds = {"once": _values(once, "test_time_s"), "more": _values(more, "test_time_s")}
    ratio = median_ratio(seconds["more"], seconds["once"])
    return Row(
        f"time for {images}",
        f"{TIMES_AS_MANY:.1f} within {WITHIN:.0%}",
        f"{ratio:.2f}",
        abs(ratio / TIMES_AS_MANY - 1) <= WITHIN,
        {"seconds": seconds},
    )


def _memory(once: list[dict[str, Any]], more: list[dict[str, Any]], images: str) -> Row:
    """Of the process that detects, and of the one that computes the metrics after it."""
    memory = {
        process: {
            "once": _values(once, f"{process}_peak_memory_mb"),
            "more": _values(more, f"{process}_peak_memory_mb"),
        }
        for process in ("detecting", "metrics")
    }
    grown = median_ratio(memory["detecting"]["more"], memory["detecting"]["once"])
    highest = max(value for process in memory.values() for values in process.values() for value in values)
    shown = "; ".join(
        f"{process} {median(values['more']):.0f} / {median(values['once']):.0f} MB"
        for process, values in memory.items()
    )
    return Row(
        f"peak memory, {images}",
        f"under {MOST_MEMORY_MB} MB, and equal within {WITHIN:.0%}",
        f"{shown}; detecting {grown:.2f} times",
        highest < MOST_MEMORY_MB and abs(grown - 1) <= WITHIN,
        {"memory_mb": memory},
    )


def _values(runs: list[dict[str, Any]], name: str) -> list[float]:
    return [float(run[name]) for run in runs]
