"""Detect objects in pictures, print them, and draw them.

    ckssd detect --draw out/ one.jpg two.jpg
    ckssd detect --model detect.tflite --labels labelmap.pbtxt holidays/ --output found.csv
    ckssd detect --tags=shapes --nms=fast --json '*.jpg'

A model is named by its file, and nothing has to be registered; or it is an installed one, chosen by --tags.
Pictures are turned upright first, as their EXIF orientation says, and boxes are in the upright picture:
[x, y, width, height] in pixels, as COCO has them. Shown are detections from the model's own score
threshold on, or from 0.3 where it states none or one below 0.05.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ckssd.cli.chosen import add_model_arguments, choose
from ckssd.cli.pictures import pictures
from ckssd.cli.result import Result
from ckssd.detect.orientation import ORIENTATIONS
from ckssd.detect.resize import DEFAULT_RESIZE, RESIZE_METHODS
from ckssd.detect.results_file import check_format, write_results
from ckssd.measure.settings import plain
from ckssd.model.entry import from_environment
from ckssd.worker import run_worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="files, folders or patterns")
    add_model_arguments(parser)
    parser.add_argument(
        "--draw", type=Path, metavar="DIR", help="write the pictures there with boxes, labels and scores"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the detections there: .json (COCO results) or .csv"
    )
    parser.add_argument("--min-score", type=float, help="leave out detections below this score; 0 shows all")
    parser.add_argument("--threads", type=int, default=1, help="of the runtime (default: 1)")
    parser.add_argument(
        "--resize", choices=RESIZE_METHODS, default=DEFAULT_RESIZE, help=f"default: {DEFAULT_RESIZE}"
    )
    parser.add_argument(
        "--orientation",
        choices=ORIENTATIONS,
        default="upright",
        help="turn pictures upright, or take their pixels as they are stored (default: upright)",
    )


def run(options: argparse.Namespace) -> Result:
    """Run the model in its runtime's environment."""
    if options.output is not None:
        check_format(options.output)
    images = pictures(options.pictures)
    chosen = choose(options)
    request = {
        "model": plain(from_environment(chosen.variables)),
        "images": [str(image) for image in images],
        "threads": options.threads,
        "resize": options.resize,
        "orientation": options.orientation,
        "min_score": options.min_score,
        "draw": None if options.draw is None else str(options.draw),
    }
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        described = Path(folder) / "request.json"
        described.write_text(json.dumps(request), encoding="utf-8")
        found, _ = run_worker(chosen.python, "ckssd.detect", ["--request", str(described)])
    if options.output is not None:
        write_results(options.output, found["images"])
        found["output"] = str(options.output)
    return Result("\n".join(_lines(found)), found)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for image in found["images"]:
        yield from _describe(image, found["min_score"])
    if found["labels"] is not None:
        yield f"Labels: {found['labels']}"
    yield from (f"Note: {note}" for note in found["notes"])
    if "output" in found:
        yield f"Written: {found['output']}"


def _describe(image: dict[str, Any], shown: float) -> Iterator[str]:
    left_out = f", {image['left_out']} below {shown:g} left out" if image["left_out"] else ""
    yield f"{image['file']}: {_count(len(image['detections']))}{left_out}"
    for found in image["detections"]:
        box = " ".join(f"{side:7.1f}" for side in found["bbox"])
        yield f"    {found['score']:.3f}  {found['name']:<10} {box}"


def _count(number: int) -> str:
    return f"{number} detection{'' if number == 1 else 's'}"
