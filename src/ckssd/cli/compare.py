"""Compare runtimes and models on the same images: accuracy, latency, images a second, memory.

    ckssd compare --models=shapes --runtimes=litert,openvino,tensorflow --dataset=shapes
    ckssd compare --models seeded shapes --runtimes=litert --nms=regular,fast --rounds=5 --json

Each runs in its own installed environment, in turn (A B A B), once in each mode a round. Latency is measured
with --threads threads in the runtime, images a second with that many detectors of one thread each.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ckssd.ck.environments import the_environment
from ckssd.cli.benchmark import RUNTIMES, plain
from ckssd.cli.detect import joined
from ckssd.cli.install import pairs
from ckssd.cli.result import Result
from ckssd.errors import UsageError
from ckssd.measure.compare import Comparison, Contender, Record, compare, measure_in_turn
from ckssd.measure.comparison_table import table
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.report import step
from ckssd.worker import run_worker


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A contender with the interpreter and the settings that it runs with."""

    contender: Contender
    python: Path
    settings: BenchmarkSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--models",
        nargs="+",
        default=[""],
        metavar="TAGS",
        help="tags of the models, one word for each model",
    )
    parser.add_argument(
        "--runtimes", default="litert", help=f"some of {','.join(RUNTIMES)}, with commas (default: litert)"
    )
    parser.add_argument("--dataset", default="", metavar="TAGS", help="tags of the data set")
    parser.add_argument(
        "--nms", default="regular", help="graphs for litert: regular, fast or both, with a comma"
    )
    parser.add_argument("--tensorflow", default="v2", metavar="TAGS", help="tags of TensorFlow (default: v2)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs (default: 3)")
    parser.add_argument("--threads", help="CK_HOST_CPU_NUMBER_OF_PROCESSORS (default: all)")
    parser.add_argument("--count", help="how many images (CK_BATCH_COUNT; default: all)")
    parser.add_argument("--resize", help="pillow, opencv or tf1 (CK_RESIZE; default: pillow)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of the benchmark program"
    )


def run(options: argparse.Namespace) -> Result:
    """Find what is installed, measure in turn, compare."""
    if options.rounds < 1:
        raise UsageError("--rounds has no value that can be used", expected="at least 1", got=options.rounds)
    prepared = {one.contender: one for one in _prepare(options)}
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:

        def measure(contender: Contender, mode: str) -> Record:
            step(f"{contender.name}, {mode}")
            return _measure(prepared[contender], mode, Path(folder) / "settings.json")

        records = measure_in_turn(list(prepared), options.rounds, measure)
    comparison = compare(records)
    return Result(table(comparison), _as_data(comparison, records))


def _prepare(options: argparse.Namespace) -> list[Prepared]:
    runtimes = options.runtimes.split(",")
    for runtime in runtimes:
        if runtime not in RUNTIMES:
            raise UsageError("Unknown runtime", where=f"--runtimes={runtime}", expected=", ".join(RUNTIMES))
    shared = {**os.environ, **the_environment("tool,coco").variables}
    shared |= the_environment(joined("dataset,object-detection", options.dataset)).variables
    given = {"CK_HOST_CPU_NUMBER_OF_PROCESSORS": options.threads, "CK_BATCH_COUNT": options.count}
    given |= {"CK_RESIZE": options.resize, "CK_SILENT_MODE": "yes"}
    shared |= {name: value for name, value in given.items() if value}
    shared |= pairs(options.env, "--env")
    prepared = []
    for runtime in runtimes:
        for model in options.models:
            for nms in options.nms.split(",") if runtime == "litert" else [""]:
                prepared.append(_prepare_one(shared, runtime, model, nms, options.tensorflow))
    return prepared


def _prepare_one(shared: dict[str, str], runtime: str, model: str, nms: str, tensorflow: str) -> Prepared:
    installed = RUNTIMES[runtime]
    library = the_environment(
        joined(installed.library, tensorflow if runtime == "tensorflow" else "")
    ).variables
    variables = {**shared, **the_environment(joined(installed.models, model)).variables}
    settings = from_environment({**variables, "CK_RUNTIME": runtime, "USE_NMS": nms})
    # Models that differ in nothing but their tags, a quantised one for instance, have the same name.
    name = " ".join(part for part in (runtime, settings.model_name, model, nms) if part)
    return Prepared(Contender(name, runtime, settings.model_name), Path(library[installed.python]), settings)


def _measure(prepared: Prepared, mode: str, described: Path) -> Record:
    settings = dataclasses.replace(prepared.settings, mode=mode)
    described.write_text(json.dumps(plain(settings)), encoding="utf-8")
    record: Record
    record, _ = run_worker(prepared.python, "ckssd.measure", ["--settings", str(described)])
    return record


def _as_data(comparison: Comparison, records: dict[Contender, dict[str, list[Record]]]) -> dict[str, Any]:
    runs = [
        {"name": contender.name, "mode": mode, "times": record["run_time_state"]}
        for contender, by_mode in records.items()
        for mode, several in by_mode.items()
        for record in several
    ]
    return {**dataclasses.asdict(comparison), "runs": runs}
