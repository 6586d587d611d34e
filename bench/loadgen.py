"""LoadGen's figures in every scenario, whole and for each core, beside the best processors of MLPerf v0.5.

    .venv/bin/python -m bench.loadgen [--rounds 3] [--seconds 10] [--models seeded seeded-int8 shapes]

Results go to bench/results/loadgen.json and loadgen.md. The scenarios take turns, each run a process of its
own, on 300 images of COCO's size; they are shorter than the rules want. Nothing else should run then.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.context import BUILT_IN_DATA, COCO_LABELS, COCO_TOOLS, LITERT, Context, in_turn
from bench.images import make_images
from bench.written import RESULTS, load_before, write_results
from ckssd.endings import run_main
from ckssd.processors import usable_processors
from ckssd.report import step

IMAGES = 300  # the rules want 256 in memory at once
MULTI_STREAM_QUERIES = 662  # what early stopping needs
SCENARIOS = ("SingleStream", "MultiStream", "Offline", "Server")
NEEDED = (LITERT, COCO_TOOLS, "lib,mlperf,loadgen", "config,loadgen")
SEEDED = "model,tflite,object-detection,ssd-mobilenet"
MODELS = {
    "seeded": ("full-size v1, float32", f"{SEEDED},seeded,non-quantized"),
    "seeded-int8": ("full-size v1, int8", f"{SEEDED}-int8,seeded-int8"),
    "shapes": ("the built-in model, float32", f"{SEEDED},shapes,non-quantized"),
}
# Valid results of round v0.5's closed division on processors alone, int8 by OpenVINO. Source: the repository
# mlcommons/inference_results_v0.5 (f5acb8be), closed/*/results/SYSTEM/ssd-small/*/performance/run_1 and
# closed/*/systems/SYSTEM.json.
PUBLISHED = (
    (
        "Intel, two Xeon Platinum 9282, 112 cores",
        112,
        {"SingleStream": 1.402, "Offline": 9468.06, "Server": 5262.92},
    ),
    ("Dell EMC, two Xeon Gold 6248, 40 cores", 40, {"SingleStream": 1.544, "Offline": 3744.24}),
)


@dataclass(frozen=True)
class Figure:
    """A scenario's figure: milliseconds, or samples a second; and whether LoadGen calls the runs valid."""

    value: float
    valid: bool
    apart_us: float  # of a query's mean latency, what is not the model's; SingleStream only
    apart_share: float

    def text(self, scenario: str, cores: int) -> str:
        """For the table."""
        invalid = "" if self.valid else " (INVALID)"
        if scenario in ("Offline", "Server"):
            return f"{self.value:.1f}/s, {self.value / cores:.1f} a core{invalid}"
        return f"{self.value:.2f} ms{invalid}"


def main() -> None:
    """Read the options; an error is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="bench.loadgen", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of a run, at least")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[*MODELS])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    options = parser.parse_args()
    sys.exit(run_main("bench", lambda: run(options)))


def run(options: argparse.Namespace) -> int:
    """Install what is missing, make the images, measure in turn, write the results."""
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as name:
        folder = Path(name)
        context = Context(folder, folder / "data", options.rounds)
        for tags in (*NEEDED, *(MODELS[one][1] for one in options.models)):
            context.install(tags)
        if "shapes" in options.models:
            context.install(BUILT_IN_DATA)
        busy = load_before()
        step(f"{IMAGES} images of COCO's size")
        make_images(context.data, IMAGES, COCO_LABELS)
        contenders = {
            (model, scenario): partial(_measure, context, model, scenario, options.seconds)
            for model in options.models
            for scenario in SCENARIOS
        }
        found = in_turn(
            {f"{model} {scenario}": run for (model, scenario), run in contenders.items()}, options.rounds
        )
        figures = {key: figure(key[1], found[f"{key[0]} {key[1]}"]) for key in contenders}
    write(options, figures, found, busy)
    return 0


def _measure(context: Context, model: str, scenario: str, seconds: float) -> dict[str, Any]:
    queries = {"MultiStream": MULTI_STREAM_QUERIES, "Offline": IMAGES}.get(scenario, 64)
    words = [f"--scenario={scenario}", f"--min-duration={seconds:g}", f"--min-query-count={queries}"]
    words += [
        f"--tags={MODELS[model][1].removeprefix('model,tflite,')}",
        f"--output={context.folder / 'logs'}",
    ]
    if model == "shapes":
        words.append(f"--dataset-tags={BUILT_IN_DATA}")
    else:
        images, annotations = context.data / "images", context.data / "instances.json"
        words += [f"--images={images}", f"--annotations={annotations}"]
    record: dict[str, Any] = json.loads(context.command("ckssd", "loadgen", *words, "--json"))["data"]
    return record


def figure(scenario: str, records: list[dict[str, Any]]) -> Figure:
    """The median of the runs."""
    verdicts = [record["loadgen"]["verdict"] for record in records]
    if scenario in ("Offline", "Server"):
        values = [float(one["samples_per_second"]) for one in verdicts]
    else:
        percentile = "90.00" if scenario == "SingleStream" else "99.00"
        values = [one["percentiles_ns"][percentile] / 1e6 for one in verdicts]
    apart = [
        one["mean_latency_ns"] / 1e9 - float(record["detection_time_avg_s"])
        for one, record in zip(verdicts, records, strict=True)
    ]
    shares = [
        seconds / float(record["detection_time_avg_s"])
        for seconds, record in zip(apart, records, strict=True)
    ]
    valid = all(one["result"] == "VALID" for one in verdicts)
    return Figure(median(values), valid, median(apart) * 1e6, median(shares))


def write(
    options: argparse.Namespace,
    figures: dict[tuple[str, str], Figure],
    found: dict[str, list[Any]],
    busy: str,
) -> None:
    """Write loadgen.json and loadgen.md; ``busy``: how the machine was before."""
    verdicts = {name: [one["loadgen"]["verdict"] for one in runs] for name, runs in found.items()}
    content = {"rounds": options.rounds, "load_before": busy, "verdicts": verdicts}
    lines = table(options.models, figures, usable_processors())
    how = f"LiteRT, at least {options.seconds:g} s a run, medians of {options.rounds} runs in turn; {busy}"
    write_results(options.results, "loadgen", content, lines, command="python -m bench.loadgen", how=how)


def table(models: list[str], figures: dict[tuple[str, str], Figure], cores: int) -> list[str]:
    """The table's lines; below it, what of SingleStream's latency is not the model's."""
    heads = ("SingleStream, 90th percentile", "MultiStream, 99th percentile of 8", "Offline", "Server")
    lines = [f"| | {' | '.join(heads)} |", "|---|---|---|---|---|"]
    for model in models:
        cells = [figures[model, scenario].text(scenario, cores) for scenario in SCENARIOS]
        lines.append(f"| {MODELS[model][0]}, {cores} cores here | {' | '.join(cells)} |")
    for name, count, published in PUBLISHED:
        cells = [
            Figure(published[scenario], True, 0, 0).text(scenario, count) if scenario in published else "-"
            for scenario in SCENARIOS
        ]
        lines.append(f"| v0.5: {name}, int8 | {' | '.join(cells)} |")
    lines.append("")
    for model in models:
        one = figures[model, "SingleStream"]
        share = f"{one.apart_us:.0f} µs ({100 * one.apart_share:.2f} % of the detection)"
        lines.append(
            f"Of a SingleStream query of {MODELS[model][0]}, {share} are LoadGen's and the answer's.  "
        )
    return lines


if __name__ == "__main__":
    main()
