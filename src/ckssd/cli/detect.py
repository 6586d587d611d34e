"""Detect objects in images with an installed TFLite model, and draw them.

    ckssd detect --draw out/ one.jpg two.jpg
    ckssd detect --tags=shapes --nms=fast --json *.jpg

Boxes are [x, y, width, height] in pixels, as COCO has them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ckssd.ck.environments import the_environment
from ckssd.cli.result import Result
from ckssd.detect.resize import DEFAULT_RESIZE, RESIZE_METHODS
from ckssd.worker import run_worker

MODEL = "CK_ENV_TENSORFLOW_MODEL"
MODEL_TAGS = "model,tflite,object-detection"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="JPEG or PNG files")
    parser.add_argument("--tags", default="", help="tags that choose among the installed TFLite models")
    parser.add_argument(
        "--nms", choices=["regular", "fast"], default="regular", help="which graph (default: regular)"
    )
    parser.add_argument(
        "--draw", type=Path, metavar="DIR", help="write the images there with boxes, labels and scores"
    )
    parser.add_argument("--min-score", type=float, default=0.0, help="leave out detections below this score")
    parser.add_argument("--threads", type=int, default=1, help="of the interpreter (default: 1)")
    parser.add_argument(
        "--resize", choices=RESIZE_METHODS, default=DEFAULT_RESIZE, help=f"default: {DEFAULT_RESIZE}"
    )


def run(options: argparse.Namespace) -> Result:
    """Run the detector in the LiteRT environment."""
    model = the_environment(joined(MODEL_TAGS, options.tags)).variables
    litert = the_environment("lib,litert").variables
    arguments = [str(image) for image in options.images]
    arguments += ["--model", model[f"{MODEL}_TFLITE_GRAPH_{options.nms.upper()}_NMS"]]
    arguments += ["--labels", model[f"{MODEL}_LABELMAP_FILE"], "--threads", str(options.threads)]
    arguments += ["--min-score", str(options.min_score), "--resize", options.resize]
    if options.draw:
        arguments += ["--draw", str(options.draw)]
    results, _ = run_worker(Path(litert["CK_ENV_LIB_LITERT_PYTHON_FILE"]), "ckssd.detect", arguments)
    return Result("\n".join(_describe(result) for result in results), {"images": results})


def joined(*tags: str) -> str:
    """Join comma-separated tags, leaving out empty ones."""
    return ",".join(part for part in tags if part)


def _describe(result: dict[str, Any]) -> str:
    lines = [f"{result['file']}: {len(result['detections'])} detections"]
    for found in result["detections"]:
        box = " ".join(f"{side:7.1f}" for side in found["bbox"])
        lines.append(f"    {found['score']:.3f}  {found['name']:<10} {box}")
    return "\n".join(lines)
