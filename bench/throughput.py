"""Throughput mode against the bound, against plain loops, and with five times as many images.

All contenders take turns in one run, each in a process of its own, so that every ratio is of neighbours.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import int8
from bench.context import Context, Row, in_turn, median_ratio

NEEDED = int8.NEEDED
METHODS = ("pillow", "opencv")
STAGE_IMAGES, PLAIN_IMAGES = 150, 400  # of the same images: enough for a rate
AT_LEAST_OF_BOUND = 0.97
AT_LEAST_OVER_PLAIN = {1: 2.1, 2: 1.35}
FASTEST_OVER_PLAIN = 3.0
TIMES_AS_MANY = 5
WITHIN = 0.05
MOST_MEMORY_MB = 450

Results = dict[str, list[Any]]


def measure(context: Context) -> list[Row]:
    """Images a second of each, what bounds them, and how time and memory grow."""
    results = in_turn(_contenders(context), context.rounds)
    rows = [_against_bound(context, results, method) for method in METHODS]
    rows += [
        _against_plain(results, method, threads) for threads in AT_LEAST_OVER_PLAIN for method in METHODS
    ]
    return [*rows, _fastest(context, results), _time_growth(results), _memory_growth(results)]


def _contenders(context: Context) -> dict[str, Any]:
    images, annotations = context.data / "images", context.data / "instances.json"
    run = partial(context.run, context.litert_python)
    contenders: dict[str, Any] = {}
    for method in METHODS:
        contenders[f"stages {method}"] = partial(
            run, "stages.py", context.regular_graph, images, STAGE_IMAGES, method
        )
        contenders[f"float {method}"] = _detect(context, "tflite", context.settings(resize=method))
    for threads in AT_LEAST_OVER_PLAIN:
        arguments = (context.regular_graph, annotations, images, PLAIN_IMAGES, threads)
        contenders[f"plain {threads}"] = partial(run, "plain_loop.py", *arguments)
    for kind in int8.RUNTIMES:
        model = int8.variables_of(context, kind, "seeded", "int8")
        settings = int8.settings_of(context, kind, model, resize="opencv")
        contenders[_int8(kind)] = _detect(context, kind, settings)
        if kind == "tflite":  # the quicker model, so that five times as many images take half a minute
            more = {**settings, "annotations": str(_larger(context, TIMES_AS_MANY))}
            contenders["int8 more"] = _detect(context, kind, more)
    return contenders


def _int8(kind: str) -> str:
    return f"int8 {int8.RUNTIMES[kind]}"


def _detect(context: Context, kind: str, settings: dict[str, Any]) -> Any:
    """Throughput mode without metrics, as a contender."""
    file = context.write(f"settings-{len(list(context.folder.iterdir()))}.json", settings)
    return partial(context.run, int8.python_of(context, kind), "detect_only.py", file)


def _larger(context: Context, times: int) -> Path:
    """Annotations that name every image several times, under ids of their own."""
    content = json.loads((context.data / "instances.json").read_text(encoding="utf-8"))
    images = content["images"]
    content["images"] = [
        {**image, "id": image["id"] + number * len(images)} for number in range(times) for image in images
    ]
    return context.write("instances-more.json", content)


def _rates(results: Results, name: str) -> list[float]:
    """Images a second of wall time, of each run."""
    return [
        float(run["images"]) / float(run["seconds"] if "seconds" in run else run["test_time_s"])
        for run in results[name]
    ]


def _against_bound(context: Context, results: Results, method: str) -> Row:
    stages, ours = results[f"stages {method}"], results[f"float {method}"]
    bounds = [context.processors / sum(run["stages"].values()) for run in stages]
    rates = _rates(results, f"float {method}")
    ratio = median_ratio(rates, bounds)
    processor = [run["processor_time_s"] / run["images"] for run in ours]
    more = median_ratio(processor, [run["processor"] for run in stages])
    return Row(
        f"throughput mode against the bound, resize {method}",
        f"at least {AT_LEAST_OF_BOUND}",
        f"{ratio:.3f} ({median(rates):.1f} images/s; {more:.3f} times the processor time of the stages)",
        ratio >= AT_LEAST_OF_BOUND,
        {"images_per_second": rates, "bound": bounds, "stages": stages, "processor_s": processor},
    )


def _against_plain(results: Results, method: str, threads: int) -> Row:
    rates, plain = _rates(results, f"float {method}"), _rates(results, f"plain {threads}")
    ratio = median_ratio(rates, plain)
    return Row(
        f"against the plain loop with {threads} thread(s), resize {method}",
        f"at least {AT_LEAST_OVER_PLAIN[threads]} times",
        f"{ratio:.2f}",
        ratio >= AT_LEAST_OVER_PLAIN[threads],
        {"images_per_second": rates, "plain_images_per_second": plain},
    )


def _fastest(context: Context, results: Results) -> Row:
    """Float and, where they keep its accuracy, 8-bit models on all processors against a plain loop on two."""
    plain = _rates(results, "plain 2")
    kept = [kind for kind in int8.RUNTIMES if int8.loss(context, kind) < int8.MOST_LOSS]
    rates = {_int8(kind): _rates(results, _int8(kind)) for kind in kept}
    rates["float litert"] = _rates(results, "float opencv")
    ratios = {name: median_ratio(each, plain) for name, each in rates.items()}
    best = max(ratios, key=ratios.__getitem__)
    shown = ", ".join(f"{name} {ratio:.1f}" for name, ratio in ratios.items())
    return Row(
        "the fastest runtime and precision (mAP within 0.01 of float) against the plain loop with 2 threads",
        f"at least {FASTEST_OVER_PLAIN:g} times",
        f"{ratios[best]:.1f} times: {best}, {median(rates[best]):.0f} images/s ({shown})",
        ratios[best] >= FASTEST_OVER_PLAIN,
        {"images_per_second": {**rates, "plain 2": plain}},
    )


def _time_growth(results: Results) -> Row:
    once, more = (
        [float(run["test_time_s"]) for run in results[name]] for name in (_int8("tflite"), "int8 more")
    )
    ratio = median_ratio(more, once)
    return Row(
        f"time for {_image_counts(results)}, int8",
        f"{TIMES_AS_MANY:.1f} within {WITHIN:.0%}",
        f"{ratio:.2f}",
        abs(ratio / TIMES_AS_MANY - 1) <= WITHIN,
        {"seconds": {"once": once, "more": more}},
    )


def _memory_growth(results: Results) -> Row:
    floats, once, more = (
        [float(run["peak_memory_mb"]) for run in results[name]]
        for name in ("float opencv", _int8("tflite"), "int8 more")
    )
    grown = median_ratio(more, once)
    return Row(
        f"peak memory, {_image_counts(results)}, int8",
        f"under {MOST_MEMORY_MB} MB, and equal within {WITHIN:.0%}",
        f"{median(once):.0f} and {median(more):.0f} MB, {grown:.2f} times; "
        f"the float model: {median(floats):.0f} MB",
        max(floats + once + more) < MOST_MEMORY_MB and abs(grown - 1) <= WITHIN,
        {"memory_mb": {"once": once, "more": more, "float": floats}},
    )


def _image_counts(results: Results) -> str:
    once, more = (results[name][0]["images"] for name in (_int8("tflite"), "int8 more"))
    return f"{more} images / {once} images"
