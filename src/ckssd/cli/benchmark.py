"""Measure accuracy and speed of an installed model on an installed data set.

    ckssd benchmark --nms=regular
    ckssd benchmark --nms=fast --count=100 --threads=2 --json
    ckssd benchmark --runtime=openvino

The same run as `ck benchmark program:object-detection-tflite` (or `…-openvino`, `…-tensorflow`), without the
experiment entry. The variables of those programs (`USE_NMS`, `CK_BATCH_COUNT`, `CUSTOM_MODEL_SETTINGS`, …)
work here too: --env NAME=VALUE.
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
from ckssd.cli.detect import MODEL_TAGS, joined
from ckssd.cli.install import pairs
from ckssd.cli.result import Result
from ckssd.measure.backends import DEFAULT_RUNTIME
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.worker import run_worker


@dataclasses.dataclass(frozen=True)
class Runtime:
    """Tags of a runtime's environment, the variable of its Python, and tags of its models."""

    library: str
    python: str
    models: str


RUNTIMES = {
    "litert": Runtime("lib,litert", "CK_ENV_LIB_LITERT_PYTHON_FILE", MODEL_TAGS),
    "openvino": Runtime("lib,openvino", "CK_ENV_LIB_OPENVINO_PYTHON_FILE", "model,openvino,object-detection"),
    "tensorflow": Runtime(
        "lib,tensorflow,v2", "CK_ENV_LIB_TF_PYTHON_FILE", "model,tensorflow,tf,object-detection"
    ),
}
FLAGS = {
    "runtime": "CK_RUNTIME",
    "nms": "USE_NMS",
    "own_nms": "CK_NMS",
    "count": "CK_BATCH_COUNT",
    "skip": "CK_SKIP_IMAGES",
    "mode": "CK_MODE",
    "threads": "CK_HOST_CPU_NUMBER_OF_PROCESSORS",
    "resize": "CK_RESIZE",
    "cache": "CK_PREPROCESSED_CACHE",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--runtime", choices=RUNTIMES, default=DEFAULT_RUNTIME, help=f"default: {DEFAULT_RUNTIME}"
    )
    parser.add_argument("--tags", default="", help="tags that choose among the runtime's installed models")
    parser.add_argument("--dataset-tags", default="", help="tags that choose among the installed data sets")
    parser.add_argument(
        "--nms", help="regular or fast, or none for a graph without it (USE_NMS; default: regular)"
    )
    parser.add_argument(
        "--own-nms", help="with --nms=none: regular or fast by this project (CK_NMS; default: regular)"
    )
    parser.add_argument("--count", help="how many images (CK_BATCH_COUNT; default: all)")
    parser.add_argument("--skip", help="how many images to leave out first (CK_SKIP_IMAGES)")
    parser.add_argument(
        "--mode",
        help="throughput, or latency for timing: one image at a time (CK_MODE; default: throughput)",
    )
    parser.add_argument(
        "--threads",
        help="of the interpreter, or interpreters at once (CK_HOST_CPU_NUMBER_OF_PROCESSORS; default: all)",
    )
    parser.add_argument("--resize", help="pillow, opencv or tf1 (CK_RESIZE; default: pillow)")
    parser.add_argument("--cache", help="folder that keeps resized images (CK_PREPROCESSED_CACHE)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of the program"
    )
    parser.add_argument(
        "--detections", type=Path, metavar="FILE", help="write the detections there, as COCO results"
    )
    parser.add_argument(
        "--image-times", type=Path, metavar="FILE", help="write each image's times there, as JSON"
    )


def run(options: argparse.Namespace) -> Result:
    """Collect the variables as CK would, then run the benchmark in the runtime's environment."""
    variables = dict(os.environ)
    runtime = RUNTIMES[options.runtime]
    library = the_environment(runtime.library).variables
    variables.update(the_environment("tool,coco").variables)
    variables.update(the_environment(joined(runtime.models, options.tags)).variables)
    variables.update(the_environment(joined("dataset,object-detection", options.dataset_tags)).variables)
    variables.update({name: getattr(options, flag) for flag, name in FLAGS.items() if getattr(options, flag)})
    variables.update(pairs(options.env, "--env"))
    settings = from_environment(variables)
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        described = Path(folder) / "settings.json"
        described.write_text(json.dumps(plain(settings)), encoding="utf-8")
        arguments = ["--settings", str(described)]
        if options.detections:
            arguments += ["--detections", str(options.detections)]
        if options.image_times:
            arguments += ["--image-times", str(options.image_times)]
        python = Path(library[runtime.python])
        result, text = run_worker(python, "ckssd.measure", arguments)
    return Result(text.strip(), result)


def plain(settings: BenchmarkSettings) -> dict[str, Any]:
    """Return settings as JSON values, for another process."""
    fields = dataclasses.asdict(settings)
    return {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
