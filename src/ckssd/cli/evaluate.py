"""Compute COCO's metrics of detections that are already in a file.

    ckssd evaluate --annotations instances_val.json --detections detections.json

The detections are a COCO results file: a list of {image_id, category_id, bbox [x, y, w, h], score}.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.result import Result
from ckssd.worker import run_worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--annotations", type=Path, required=True, help="COCO instances file")
    parser.add_argument("--detections", type=Path, required=True, help="COCO results file")
    parser.add_argument("--images", type=Path, help="JSON list of the image ids that were run (default: all)")
    parser.add_argument(
        "--tool", choices=["faster-coco-eval", "pycocotools"], help="default: faster-coco-eval"
    )


def run(options: argparse.Namespace) -> Result:
    """Run the evaluation in the environment of the COCO tools."""
    python = Path(the_environment("tool,coco").variables["CK_ENV_TOOL_COCO_PYTHON_FILE"])
    arguments = ["--annotations", str(options.annotations), "--detections", str(options.detections)]
    if options.images:
        arguments += ["--images", str(options.images)]
    if options.tool:
        arguments += ["--tool", options.tool]
    metrics, _ = run_worker(python, "ckssd.coco.metrics", arguments)
    lines = [f"mAP: {metrics['mAP']!r}", f"Recall: {metrics['recall']!r}"]
    lines += [f"{name}: {value!r}" for name, value in metrics["metrics"].items()]
    lines += [f"Note: {note}" for note in metrics["notes"]]
    return Result("\n".join(lines), metrics)
