"""Detect objects in pictures, videos or a camera's frames, print them, and draw them.

    ckssd detect --draw out/ one.jpg two.jpg
    ckssd detect --model detect.tflite --labels labelmap.pbtxt holidays/ --output found.csv
    ckssd detect --tags=shapes --nms=fast --json '*.jpg'
    ckssd detect clip.mp4 --every 5 --draw out/ --output found.csv
    ckssd detect --camera 0 --frames 100 --draw out/

A model is named by its file, and nothing has to be registered; or it is an installed one, chosen by --tags.
Pictures are turned upright first, as their EXIF orientation says, and boxes are in the upright picture:
[x, y, width, height] in pixels, as COCO has them. Shown are detections from the model's own score
threshold on, or from 0.3 where it states none or one below 0.05. A picture that cannot be read is named at
the end, and the command then ends with exit code 3.

A video's summary is printed; --output writes each frame's detections with its number and its seconds from the
first frame, as they come. --draw writes the frames that were detected in with their times as H.264 in MP4,
without sound. A video that was cut short ends where it ends, and a Note says so. Phones' rotation is applied.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ckssd.cli.chosen import add_model_arguments, choose
from ckssd.cli.outputs import refuse_overwriting_inputs
from ckssd.cli.result import Result
from ckssd.detect.choices import DEFAULT_RESIZE, ORIENTATIONS, RESIZE_METHODS
from ckssd.detect.named_files import is_video, pictures
from ckssd.detect.results_file import check_format, write_results
from ckssd.errors import CkssdError, InputError, UsageError, error_from, printable
from ckssd.json_file import plain
from ckssd.model.entry import from_environment
from ckssd.worker import run_worker

MOST_NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "pictures", nargs="*", metavar="PICTURE", help="files, folders or patterns; or videos"
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--draw", type=Path, metavar="DIR", help="write the pictures there with boxes, labels and scores"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the detections there: .json (COCO results) or .csv"
    )
    parser.add_argument("--camera", type=int, metavar="N", help="detect in frames of this camera (Linux)")
    parser.add_argument("--every", type=int, metavar="N", help="of N frames detect in the first (default: 1)")
    parser.add_argument("--frames", type=int, metavar="N", help="end after N frames; a camera needs it")
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
        refuse_overwriting_inputs("--output", options.output, (options.model, options.labels))
    request = _request(options, _sources(options))
    chosen = choose(options)
    request["model"] = plain(from_environment(chosen.variables))
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        described = Path(folder) / "request.json"
        described.write_text(json.dumps(request), encoding="utf-8")
        found, _ = run_worker(chosen.python, "ckssd.detect", ["--request", str(described)])
    if options.output is not None:
        if "images" in found:  # a video's are written as they come
            write_results(options.output, found["images"])
        found["output"] = str(options.output)
    return Result("\n".join(_lines(found)), found, _unreadable(found))


def _unreadable(found: dict[str, Any]) -> CkssdError | None:
    """What the command ends with if some pictures could not be read; the others were looked at."""
    errors = [error_from(fields) for fields in found.get("unreadable", ())]
    if len(errors) < 2:
        return errors[0] if errors else None
    total = len(found["images"]) + len(errors)
    return InputError(
        f"{len(errors)} of {total} pictures cannot be read",
        where=", ".join(str(error.where) for error in errors[:MOST_NAMED]),
        got=errors[0],
    )


def _sources(options: argparse.Namespace) -> dict[str, Any]:
    """The request's fields that name pictures, or videos or a camera.

    Raises
    ------
    UsageError
        Nothing is named, pictures together with videos, or a flag that does not go with them.
    InputError
        Something that is named is not there.
    """
    files = pictures(options.pictures)
    videos = [file for file in files if is_video(file)]
    if options.camera is not None:
        if files:
            raise UsageError("--camera goes without files", got=files[0])
        if options.frames is None:
            raise UsageError("A camera has no end", expected="--frames N: how many frames to detect in")
    elif not files:
        raise UsageError("Nothing is named to detect in", expected="pictures, videos or --camera N")
    elif not videos:
        if (options.every, options.frames) != (None, None):
            raise UsageError("--every and --frames go with videos and cameras", got=files[0])
        return {"images": [str(file) for file in files]}
    elif len(videos) < len(files):
        got = next(file for file in files if file not in videos)
        raise UsageError(
            "Pictures and videos are detected in by separate commands", got=f"{got}, {videos[0]}"
        )
    fields = {"camera": options.camera, "every": options.every, "frames": options.frames}
    output = None if options.output is None else str(options.output.absolute())
    return {"videos": [str(file) for file in videos], "output": output, **fields}


def _request(options: argparse.Namespace, sources: dict[str, Any]) -> dict[str, Any]:
    return {
        **sources,
        "threads": options.threads,
        "resize": options.resize,
        "orientation": options.orientation,
        "min_score": options.min_score,
        "draw": None if options.draw is None else str(options.draw),
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for image in found.get("images", ()):
        yield from _describe(image, found["min_score"])
    yield from (f"Not read: {error_from(fields)}" for fields in found.get("unreadable", ()))
    for video in found.get("videos", ()):
        yield from _describe_video(video, found["min_score"])
    if found["labels"] is not None:
        yield f"Labels: {found['labels']}"
    yield from (f"Note: {note}" for note in found["notes"])
    if "output" in found:
        yield f"Written: {found['output']}"


def _describe_video(video: dict[str, Any], shown: float) -> Iterator[str]:
    left_out = f", {video['left_out']} below {shown:g} left out" if video["left_out"] else ""
    yield f"{printable(video['file'])}: {_count(video['detections'])}{left_out}"
    for name, number in video["found"].items():
        yield f"    {number:>6}  {name}"
    every = "" if video["every"] == 1 else f" (one of {video['every']})"
    yield (
        f"    in {video['frames_detected']} frames{every} of {video['width']}x{video['height']} up to "
        f"{video['last_s']:.2f} s; {video['frames_per_second']:.1f} frames a second"
    )
    if "drawn" in video:
        yield f"    drawn: {video['drawn']} ({video['drawn_as']})"


def _describe(image: dict[str, Any], shown: float) -> Iterator[str]:
    left_out = f", {image['left_out']} below {shown:g} left out" if image["left_out"] else ""
    yield f"{printable(image['file'])}: {_count(len(image['detections']))}{left_out}"
    for found in image["detections"]:
        box = " ".join(f"{side:7.1f}" for side in found["bbox"])
        yield f"    {found['score']:.3f}  {found['name']:<10} {box}"


def _count(number: int) -> str:
    return f"{number} detection{'' if number == 1 else 's'}"
