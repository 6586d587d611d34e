"""Run a model under MLPerf's LoadGen: its scenarios, its verdict, its logs.

    ckssd loadgen --scenario Offline --mode AccuracyOnly --tags shapes --dataset-tags shapes --output DIR
    ckssd loadgen --scenario SingleStream --min-duration 20 --tags shapes --dataset-tags shapes
    ckssd loadgen accuracy DIR/mlperf_log_accuracy.json --dataset-tags shapes

The same run as `ck benchmark program:object-detection-tflite-loadgen` (or `…-openvino-loadgen`, …), without
the experiment entry. docs/mlperf.md has the whole way to a submission.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckssd.ck.environments import the_environment
from ckssd.cli.benchmark import FLAGS, add_data_arguments
from ckssd.cli.chosen import (
    ANNOTATIONS,
    DATASET_TAGS,
    METRICS_TAGS,
    check_installed,
    choose,
    data_set,
    joined,
    runtime_asked,
)
from ckssd.cli.pairs import pairs
from ckssd.cli.result import Result
from ckssd.model.runtimes import RUNTIMES

if TYPE_CHECKING:
    from ckssd.loadgen.settings import LoadGenSettings

LOADGEN_TAGS = "lib,python-package,mlperf,loadgen"
CONFIG_TAGS = "config,loadgen"
DEFAULT_OUTPUT = Path("mlperf-logs")
# Flags to the variables of the programs; those of a benchmark are in ckssd.cli.benchmark.
LOADGEN_FLAGS = {
    "scenario": "CK_LOADGEN_SCENARIO",
    "mode": "CK_LOADGEN_MODE",
    "round": "CK_LOADGEN_ROUND",
    "user_conf": "CK_LOADGEN_USER_CONF",
    "samples": "CK_LOADGEN_SAMPLES",
    "buffer_size": "CK_LOADGEN_BUFFER_SIZE",
    "target_latency": "CK_LOADGEN_TARGET_LATENCY",
    "target_qps": "CK_LOADGEN_TARGET_QPS",
    "min_duration": "CK_LOADGEN_MIN_DURATION_S",
    "max_duration": "CK_LOADGEN_MAX_DURATION_S",
    "min_query_count": "CK_LOADGEN_MIN_QUERY_COUNT",
    "audit": "CK_LOADGEN_AUDIT",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="accuracy", required=False)
    accuracy = actions.add_parser("accuracy", help="mAP and Recall of an accuracy log, anybody's")
    accuracy.add_argument("log", type=Path, metavar="LOG", help="mlperf_log_accuracy.json, or its folder")
    accuracy.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object"
    )
    accuracy.add_argument("--annotations", type=Path, metavar="FILE", help="what the images have in them")
    accuracy.add_argument("--dataset-tags", default="", help="tags of an installed data set instead")
    add_run_arguments(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help=f"LoadGen's logs and the record (default: {DEFAULT_OUTPUT})",
    )


def add_run_arguments(parser: argparse.ArgumentParser, *, one: bool = True) -> None:
    """Declare what decides a run; ``one``: of one run, which has a scenario and a mode."""
    add_data_arguments(parser)
    add = parser.add_argument
    if one:
        add("--scenario", help="SingleStream (default), MultiStream, Offline or Server (CK_LOADGEN_SCENARIO)")
        add("--mode", help="PerformanceOnly (default), AccuracyOnly, FindPeakPerformance, SubmissionRun")
        add("--audit", help="a compliance test: TEST01, TEST04-A, TEST04-B or TEST05")
    rounds = "v0.5, v0.7, v1.0, v1.1 or v2.0 (default)" if one else "v1.1 or v2.0 (default)"
    add("--round", help=f"whose rules: {rounds}")
    add("--user-conf", metavar="FILE", help="default: one is written from a measurement")
    add("--samples", help="loaded: images are decoded and resized before; or on-the-fly")
    add("--buffer-size", help="samples kept at once (default: the round's, 256)")
    add("--target-latency", metavar="MS", help="expected of a query; in Server, its bound (10)")
    add(
        "--target-qps",
        metavar="N",
        help="samples a second: expected in Offline, issued in Server (default: measured)",
    )
    add("--min-duration", metavar="S", help="seconds (default: the round's, 60 or 600)")
    add("--max-duration", metavar="S", help="seconds (default: no limit)")
    add("--min-query-count", metavar="N", help="default: the round's, or what early stopping needs")


def run(options: argparse.Namespace) -> Result:
    """Run LoadGen in the runtime's environment, or read a log."""
    if options.action == "accuracy":
        return _accuracy(options)
    from ckssd.loadgen.conduct import conduct

    python, settings = settings_of(options)
    record, text = conduct(python, settings, options.output or DEFAULT_OUTPUT)
    return Result(text.strip(), record)


def settings_of(options: argparse.Namespace) -> tuple[Path, LoadGenSettings]:
    """The interpreter and the settings of what ``add_run_arguments`` declares."""
    from ckssd.loadgen.settings import from_environment

    python, variables = variables_of(options)
    return python, from_environment(variables)


def variables_of(options: argparse.Namespace) -> tuple[Path, dict[str, str]]:
    """The interpreter, and the variables that the programs would have."""
    from ckssd.loadgen.settings import given_values

    asked = {
        name: str(given) for flag, name in LOADGEN_FLAGS.items() if (given := getattr(options, flag, None))
    }
    asked |= pairs(options.env, "--env")
    given_values(asked)  # a scenario that does not exist is said before a data set that is missing
    check_installed([RUNTIMES[runtime_asked(options)].library, METRICS_TAGS, LOADGEN_TAGS, CONFIG_TAGS])
    chosen = choose(options)
    variables = dict(chosen.variables)
    for tags in (METRICS_TAGS, LOADGEN_TAGS, CONFIG_TAGS):
        variables |= the_environment(tags).variables
    variables |= data_set(options.images, options.annotations, options.dataset_tags)
    flags = {name: variable for name, variable in FLAGS.items() if name != "mode"}
    variables |= {name: str(given) for flag, name in flags.items() if (given := getattr(options, flag, None))}
    return chosen.python, variables | asked


def _accuracy(options: argparse.Namespace) -> Result:
    from ckssd.loadgen.accuracy import accuracy_of

    if options.annotations is not None:
        annotations = options.annotations
    else:
        installed = the_environment(joined(DATASET_TAGS, options.dataset_tags), "--dataset-tags")
        annotations = Path(installed.variables[ANNOTATIONS])
    python = Path(the_environment(METRICS_TAGS).variables["CK_ENV_TOOL_COCO_PYTHON_FILE"])
    found = accuracy_of(options.log, annotations, python)
    lines = [f"mAP: {found['mAP']!r}", f"Recall: {found['recall']!r}", f"Images: {found['images']}"]
    lines += [f"Detections: {found['detections']}, sha256 {found['detections_sha256']}"]
    lines += [f"Note: {note}" for note in found["notes"]]
    return Result("\n".join(lines), _plain(found))


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "peak_memory_mb"}
