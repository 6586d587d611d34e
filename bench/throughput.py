"""Throughput mode against the bound, against plain loops, and with five times as many images (8-bit model).

All contenders take turns in one run, each in a process of its own, so that every ratio is of neighbours.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from bench import int8
from bench.context import Context, Row, in_turn, median_ratio
from bench.growth import growth_rows, more_images

NEEDED = int8.NEEDED
METHODS = ("pillow", "opencv")
STAGE_IMAGES, PLAIN_IMAGES = 100, 300  # of the same images: enough for a rate
AT_LEAST_OF_BOUND = 0.97
AT_LEAST_OVER_PLAIN = {1: 2.1, 2: 1.35}
FASTEST_OVER_PLAIN = 3.0

Results = dict[str, list[Any]]


def measure(context: Context) -> list[Row]:
    """Images a second of each, what bounds them, and how time and memory grow."""
    results = in_turn(_contenders(context), context.rounds)
    rows = [_against_bound(context, results, method) for method in METHODS]
    rows += against_plain(results)
    rows.append(_fastest(context, results))
    return [*rows, *growth_rows(results[_int8("tflite")], results["int8 more"], "int8")]


def _contenders(context: Context) -> dict[str, Any]:
    images = context.data / "images"
    run = partial(context.run, context.litert_python)
    contenders: dict[str, Any] = {}
    for method in METHODS:
        contenders[f"stages {method}"] = partial(
            run, "stages.py", context.regular_graph, images, STAGE_IMAGES, method
        )
        contenders |= float_run(context, method)
    contenders |= plain_loops(context, PLAIN_IMAGES)
    for kind in int8.RUNTIMES:
        model = int8.variables_of(context, kind, "seeded", "int8")
        settings = int8.settings_of(context, kind, model, resize="opencv")
        contenders[_int8(kind)] = _run(context, kind, settings)
        if kind == "tflite":  # the quicker model, so that five times as many images take half a minute
            more = {**settings, "annotations": str(more_images(context))}
            contenders["int8 more"] = _run(context, kind, more)
    return contenders


def float_run(context: Context, method: str) -> dict[str, Any]:
    """Throughput mode with the float model, as a contender."""
    return {f"float {method}": _run(context, "tflite", context.settings(resize=method))}


def plain_loops(context: Context, count: int) -> dict[str, Any]:
    """What a user would write instead, with one thread and with two."""
    files = (context.regular_graph, context.data / "instances.json", context.data / "images")
    run = partial(context.run, context.litert_python, "plain_loop.py", *files, count)
    return {f"plain {threads}": partial(run, threads) for threads in AT_LEAST_OVER_PLAIN}


def _int8(kind: str) -> str:
    return f"int8 {int8.RUNTIMES[kind]}"


def _run(context: Context, kind: str, settings: dict[str, Any]) -> Any:
    """Throughput mode, as a contender; its rate is that of detection, before the metrics."""
    file = context.write(f"settings-{len(list(context.folder.iterdir()))}.json", settings)
    return partial(context.run, int8.python_of(context, kind), "whole_run.py", file)


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


def against_plain(results: Results) -> list[Row]:
    """The float model by each resize method against each plain loop."""
    return [_against_plain(results, method, threads) for threads in AT_LEAST_OVER_PLAIN for method in METHODS]


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
