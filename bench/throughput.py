"""Throughput mode against the bound, against plain loops, and with five times as many images."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import Context, Row, in_turn, median_ratio

METHODS = ("pillow", "opencv")
STAGE_IMAGES = 200
AT_LEAST_OF_BOUND = 0.97
AT_LEAST_OVER_PLAIN = {1: 2.1, 2: 1.35}
TIMES_AS_MANY = 5
WITHIN = 0.05
MOST_MEMORY_MB = 450


def measure(context: Context) -> list[Row]:
    """Images a second of each, in turn, in processes of their own."""
    results = in_turn(_contenders(context), context.rounds)
    rows = [_against_bound(context, results, method) for method in METHODS]
    rows += [
        _against_plain(results, method, threads) for threads in AT_LEAST_OVER_PLAIN for method in METHODS
    ]
    return [*rows, *_scaling(results)]


def _contenders(context: Context) -> dict[str, Any]:
    stages = partial(
        context.run, context.litert_python, "stages.py", context.regular_graph, context.data / "images"
    )
    ours = partial(context.run, context.litert_python, "detect_only.py")
    more = _larger(context, TIMES_AS_MANY)
    contenders: dict[str, Any] = {}
    for method in METHODS:
        contenders[f"stages {method}"] = partial(stages, STAGE_IMAGES, method)
        settings = context.write(f"ours-{method}.json", context.settings(resize=method))
        contenders[f"ours {method}"] = partial(ours, settings)
    for threads in AT_LEAST_OVER_PLAIN:
        contenders[f"plain {threads}"] = plain_loop(context, threads)
    settings = context.write("ours-more.json", context.settings(resize="opencv", annotations=str(more)))
    contenders["ours, five times as many"] = partial(ours, settings)
    return contenders


def plain_loop(context: Context, threads: int) -> Callable[[], Any]:
    """What a user would write instead, as a contender."""
    return partial(
        context.run,
        context.litert_python,
        "plain_loop.py",
        context.regular_graph,
        context.data / "instances.json",
        context.data / "images",
        threads,
    )


def _larger(context: Context, times: int) -> Path:
    """Annotations that name every image several times, under ids of their own."""
    content = json.loads((context.data / "instances.json").read_text(encoding="utf-8"))
    images = content["images"]
    content["images"] = [
        {**image, "id": image["id"] + number * len(images)} for number in range(times) for image in images
    ]
    return context.write("instances-more.json", content)


def rate(run: dict[str, Any]) -> float:
    """Images a second of wall time."""
    return float(run["images"]) / float(run["seconds"] if "seconds" in run else run["test_time_s"])


def _against_bound(context: Context, results: dict[str, list[Any]], method: str) -> Row:
    stages, ours = results[f"stages {method}"], results[f"ours {method}"]
    bounds = [context.processors / sum(run["stages"].values()) for run in stages]
    rates = [rate(run) for run in ours]
    ratio = median_ratio(rates, bounds)
    processor = [run["processor_time_s"] / run["images"] for run in ours]
    more = median_ratio(processor, [run["processor"] for run in stages])
    return Row(
        f"throughput mode against the bound, resize {method}",
        f"at least {AT_LEAST_OF_BOUND}",
        f"{ratio:.3f} ({more:.3f} times the processor time of the stages)",
        ratio >= AT_LEAST_OF_BOUND,
        {"images_per_second": rates, "bound": bounds, "stages": stages, "processor_s": processor},
    )


def _against_plain(results: dict[str, list[Any]], method: str, threads: int) -> Row:
    rates = [rate(run) for run in results[f"ours {method}"]]
    plain = [rate(run) for run in results[f"plain {threads}"]]
    ratio = median_ratio(rates, plain)
    return Row(
        f"against the plain loop with {threads} thread(s), resize {method}",
        f"at least {AT_LEAST_OVER_PLAIN[threads]} times",
        f"{ratio:.2f}",
        ratio >= AT_LEAST_OVER_PLAIN[threads],
        {"images_per_second": rates, "plain_images_per_second": plain},
    )


def _scaling(results: dict[str, list[Any]]) -> list[Row]:
    once, more = results["ours opencv"], results["ours, five times as many"]
    seconds = {
        name: [float(run["test_time_s"]) for run in runs] for name, runs in (("once", once), ("more", more))
    }
    memory = {
        name: [float(run["peak_memory_mb"]) for run in runs]
        for name, runs in (("once", once), ("more", more))
    }
    ratio = median_ratio(seconds["more"], seconds["once"])
    grown = median_ratio(memory["more"], memory["once"])
    images = f"{more[0]['images']} images / {once[0]['images']} images"
    peaks = f"{median(memory['once']):.0f} and {median(memory['more']):.0f} MB"
    return [
        Row(
            f"time for {images}",
            f"{TIMES_AS_MANY:.1f} within {WITHIN:.0%}",
            f"{ratio:.2f}",
            abs(ratio / TIMES_AS_MANY - 1) <= WITHIN,
            {"seconds": seconds},
        ),
        Row(
            f"peak memory, {images}",
            f"under {MOST_MEMORY_MB} MB, and equal within {WITHIN:.0%}",
            f"{peaks}, {grown:.2f} times",
            max(memory["once"] + memory["more"]) < MOST_MEMORY_MB and abs(grown - 1) <= WITHIN,
            {"memory_mb": memory},
        ),
    ]
