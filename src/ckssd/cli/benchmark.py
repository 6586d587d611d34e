"""Measure accuracy and speed of a model on a data set.

    ckssd benchmark --tags=shapes --dataset-tags=shapes --nms=regular
    ckssd benchmark --model detect.tflite --labels labels.txt --images photos/ --annotations instances.json
    ckssd benchmark --tags=shapes --dataset-tags=shapes --runtime=openvino --count=100 --threads=2 --json

The same run as `ck benchmark program:object-detection-tflite` (or `…-openvino`, `…-tensorflow`), without the
experiment entry. The variables of those programs (`USE_NMS`, `CK_BATCH_COUNT`, `CUSTOM_MODEL_SETTINGS`, …)
work here too: --env NAME=VALUE.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.chosen import (
    METRICS_TAGS,
    add_model_arguments,
    check_installed,
    choose,
    data_set,
    runtime_asked,
)
from ckssd.cli.cluster import RAY_TAGS, add_cluster_arguments, cluster_variables
from ckssd.cli.kept import begin_results
from ckssd.cli.outputs import refuse_overwriting_inputs
from ckssd.cli.pairs import pairs
from ckssd.cli.result import Result
from ckssd.cluster.program import run_over
from ckssd.coco.metric_types import COCO, DEFAULT_EXPAND, EXPANSIONS, TITLES
from ckssd.detect.results_file import check_format
from ckssd.errors import UsageError
from ckssd.json_file import plain
from ckssd.measure.program import keep_result
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.model.runtimes import RUNTIMES
from ckssd.worker import run_worker

# Flags to the variables of the programs; those that choose a model are in ckssd.cli.chosen.
FLAGS = {
    "count": "CK_BATCH_COUNT",
    "skip": "CK_SKIP_IMAGES",
    "mode": "CK_MODE",
    "threads": "CK_HOST_CPU_NUMBER_OF_PROCESSORS",
    "resize": "CK_RESIZE",
    "decode": "CK_DECODE",
    "orientation": "CK_IMAGE_ORIENTATION",
    "cache": "CK_PREPROCESSED_CACHE",
}
# Those of the metric, which a sweep does not have.
METRIC_FLAGS = {
    "metric_type": "CK_METRIC_TYPE",
    "hierarchy": "CK_OID_HIERARCHY",
    "expand": "CK_OID_EXPAND",
}
# A part of a run, which only a benchmark has.
PART_FLAGS = {"shard": "CK_SHARD", "part": "CK_PART"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_run_arguments(parser)
    add_metric_arguments(parser)
    add_cluster_arguments(parser)
    parser.add_argument(
        "--detections",
        "--output",
        type=Path,
        metavar="FILE",
        help="write the detections there: .csv, or COCO results as JSON",
    )
    parser.add_argument("--shard", metavar="K/N", help="only part K of N, with --part (CK_SHARD)")
    parser.add_argument(
        "--part",
        metavar="FILE",
        help="write what is found there, for `ckssd merge`, without metrics (CK_PART)",
    )
    parser.add_argument(
        "--image-times", type=Path, metavar="FILE", help="write each image's times there, as JSON"
    )
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="write all of the result there, for ckssd report"
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses a model and a data set, and how they are run."""
    add_data_arguments(parser)
    parser.add_argument(
        "--mode",
        help="throughput, or latency for timing: one image at a time (CK_MODE; default: throughput)",
    )


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses a model and a data set, and what is done with its images."""
    add_model_arguments(parser)
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures of your own, with --annotations")
    parser.add_argument("--annotations", type=Path, metavar="FILE", help="what is in them, as COCO has it")
    parser.add_argument("--dataset-tags", default="", help="tags that choose among the installed data sets")
    parser.add_argument("--count", help="how many images (CK_BATCH_COUNT; default: all)")
    parser.add_argument("--skip", help="how many images to leave out first (CK_SKIP_IMAGES)")
    parser.add_argument(
        "--threads",
        help="of the interpreter, or interpreters at once (CK_HOST_CPU_NUMBER_OF_PROCESSORS; default: all)",
    )
    parser.add_argument("--resize", help="pillow, opencv or tf1 (CK_RESIZE; default: pillow)")
    parser.add_argument(
        "--decode",
        help="full, or scaled: JPEGs to few pixels more than needed, faster, other numbers (CK_DECODE)",
    )
    parser.add_argument(
        "--orientation",
        help="of the pixels that are annotated: stored or upright (CK_IMAGE_ORIENTATION; default: stored)",
    )
    parser.add_argument("--cache", help="folder that keeps resized images (CK_PREPROCESSED_CACHE)")


def add_metric_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses a metric."""
    add = parser.add_argument
    add("--metric-type", help=f"{', '.join(TITLES)} (CK_METRIC_TYPE; default: {COCO})")
    add(
        "--hierarchy",
        metavar="FILE",
        help="classes and those above them, Open Images' JSON, with oid metrics (CK_OID_HIERARCHY)",
    )
    add(
        "--expand",
        help=f"what it is applied to: {' or '.join(EXPANSIONS)} (CK_OID_EXPAND; default: {DEFAULT_EXPAND})",
    )


def run(options: argparse.Namespace) -> Result:
    """Collect the variables as CK would, then run the benchmark in the runtime's environment."""
    if options.detections is not None:
        check_format(options.detections)
    for flag, output in (("--output", options.detections), ("--image-times", options.image_times)):
        refuse_overwriting_inputs(flag, output, (options.model, options.labels, options.annotations))
    over = cluster_variables(options)
    needed = [RUNTIMES[runtime_asked(options)].library, METRICS_TAGS]
    check_installed([*needed, RAY_TAGS] if over else needed)
    chosen = choose(options)
    settings = settings_of(options, {**chosen.variables, **the_environment(METRICS_TAGS).variables})
    if settings.part is not None:
        _check_part(options, settings)
    if options.results is not None:
        begin_results(options, (options.model, options.labels, options.annotations))
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        arguments = []
        if options.detections:
            arguments += ["--detections", str(options.detections)]
        if options.image_times:
            arguments += ["--image-times", str(options.image_times)]
        if over:
            result, text = run_over(over, settings, chosen.python, arguments)
        else:
            described = Path(folder) / "settings.json"
            described.write_text(json.dumps(plain(settings)), encoding="utf-8")
            flags = ["--settings", str(described), *arguments]
            result, text = run_worker(chosen.python, "ckssd.measure", flags)
    if options.results is not None:
        keep_result(options.results, settings, result)
    return Result(text.strip(), result)


def _check_part(options: argparse.Namespace, settings: BenchmarkSettings) -> None:
    """Raise a UsageError for files that only a whole run gives, and for a part that would overwrite one."""
    if options.results is not None:
        raise UsageError(
            "--results is of a whole run", got="--part", advice="ckssd merge --results DIR PARTS"
        )
    for flag, output in (("--detections", options.detections), ("--image-times", options.image_times)):
        if output is not None:
            raise UsageError(
                f"{flag} is of a whole run", got="--part", advice=f"ckssd merge {flag} FILE PARTS"
            )
    model = settings.model
    read = (model.file, model.labels, settings.annotations)
    refuse_overwriting_inputs("--part", settings.part, read)


def settings_of(options: argparse.Namespace, variables: dict[str, str]) -> BenchmarkSettings:
    """A run's settings from the arguments of add_run_arguments and the variables of what they choose."""
    variables = {**variables, **data_set(options.images, options.annotations, options.dataset_tags)}
    flags = {**FLAGS, **METRIC_FLAGS, **PART_FLAGS}
    variables |= {name: given for flag, name in flags.items() if (given := getattr(options, flag, None))}
    variables |= pairs(options.env, "--env")
    return from_environment(variables)
