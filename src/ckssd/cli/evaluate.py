"""Compute the metrics of detections that are already in a file: COCO's, Pascal VOC's or Open Images'.

    ckssd evaluate --annotations instances_val.json --detections detections.json
    ckssd evaluate --annotations instances_val.json --detections detections.json --metric-type voc

The detections are a COCO results file: a list of {image_id, category_id, bbox [x, y, w, h], score}.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.benchmark import add_metric_arguments
from ckssd.cli.result import Result
from ckssd.coco.metric_types import (
    COCO,
    DEFAULT_EXPAND,
    EXPANSIONS,
    TITLES,
    Expand,
    MetricChoice,
    metric_type,
)
from ckssd.coco.metrics import DEFAULT_TOOL, TOOLS
from ckssd.errors import UsageError
from ckssd.values import choice as one_of
from ckssd.values import file_path
from ckssd.worker import run_worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--annotations", type=Path, required=True, help="COCO instances file")
    parser.add_argument("--detections", type=Path, required=True, help="COCO results file")
    parser.add_argument("--images", type=Path, help="JSON list of the image ids that were run (default: all)")
    parser.add_argument("--tool", choices=TOOLS, help=f"for COCO's metrics (default: {DEFAULT_TOOL})")
    add_metric_arguments(parser)


def run(options: argparse.Namespace) -> Result:
    """Run the evaluation in the environment of the COCO tools, which COCO's own metrics need."""
    choice = _choice(options)
    tools = the_environment("tool,coco").variables if choice.name == COCO else {}
    python = Path(tools.get("CK_ENV_TOOL_COCO_PYTHON_FILE", sys.executable))
    arguments = ["--annotations", str(options.annotations), "--detections", str(options.detections)]
    if options.images:
        arguments += ["--images", str(options.images)]
    if options.tool:
        arguments += ["--tool", options.tool]
    arguments += ["--metric", choice.name, "--expand", choice.expand]
    if choice.hierarchy is not None:
        arguments += ["--hierarchy", str(choice.hierarchy)]
    metrics, _ = run_worker(python, "ckssd.coco.metrics", arguments)
    lines = [f"mAP: {metrics['mAP']!r}", f"Recall: {metrics['recall']!r}"]
    if choice.name != COCO:
        lines.append(f"Metric: {choice.name}, {TITLES[choice.name]}")
        values = metrics["per_class"].items()
        lines += [
            f"AP of {name}: {'nothing to find' if value is None else repr(value)}" for name, value in values
        ]
    lines += [f"{name}: {value!r}" for name, value in metrics["metrics"].items()]
    lines += [f"Note: {note}" for note in metrics["notes"]]
    return Result("\n".join(lines), metrics)


def _choice(options: argparse.Namespace) -> MetricChoice:
    """The metric of the command line; raises a UsageError for values that do not fit."""
    name = metric_type("--metric-type", options.metric_type or COCO)
    if options.tool is not None and name != COCO:
        raise UsageError(
            "--tool names a tool for COCO's metrics only", expected=f"--metric-type {COCO}", got=name
        )
    hierarchy = None if options.hierarchy is None else file_path("--hierarchy", options.hierarchy)
    expand: Expand = one_of(*EXPANSIONS)("--expand", options.expand or DEFAULT_EXPAND)
    return MetricChoice(name, hierarchy, expand)
