"""``python -m ckssd.detect --model FILE --labels FILE IMAGE…``: single images, for ``ckssd detect``.

Runs in the environment that has LiteRT. Prints a JSON list, or writes it to ``--output``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ckssd import report
from ckssd.detect.detections import Detections
from ckssd.detect.draw import draw
from ckssd.detect.images import Pixels, read_image
from ckssd.detect.labels import read_labels
from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.detect.resize import DEFAULT_RESIZE, RESIZE_METHODS, resize
from ckssd.endings import run_main
from ckssd.errors import UsageError
from ckssd.tflite.model import read_model


def describe(path: Path, pixels: Pixels, found: Detections, names: Mapping[int, str]) -> dict[str, Any]:
    """One image's detections as JSON; ``bbox`` is x, y, width, height in pixels, as COCO has it."""
    height, width = pixels.shape[:2]
    listed = []
    for (top, left, bottom, right), index, score in zip(
        found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
    ):
        listed.append(
            {
                "class": index,
                "name": names.get(index, f"class {index}"),
                "score": score,
                "bbox": [left * width, top * height, (right - left) * width, (bottom - top) * height],
            }
        )
    return {"file": str(path), "width": width, "height": height, "detections": listed}


def above(found: Detections, score: float) -> Detections:
    """Only the detections with at least this score."""
    kept = found.scores >= score
    return Detections(found.boxes[kept], found.classes[kept], found.scores[kept])


def drawing_paths(images: Sequence[Path], folder: Path) -> list[Path]:
    """Where each image's drawing goes: ``NAME.png``; images with equal names get a number."""
    used: set[str] = set()
    paths = []
    for image in images:
        name, number = image.stem, 1
        while name in used:
            number += 1
            name = f"{image.stem}-{number}"
        used.add(name)
        paths.append(folder / f"{name}.png")
    return paths


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Detect in every image of the command line; draw if asked to."""
    if options.threads < 1:
        raise UsageError(
            "--threads has no value that can be used", expected="at least 1", got=options.threads
        )
    labels = read_labels(options.labels)
    names = {label - options.label_offset: name for label, name in labels.items()}
    model = read_model(options.model)
    detector = LiteRTDetector(model, options.threads)
    network = network_input(model, normalize=not options.not_normalized)
    if options.draw is not None:
        options.draw.mkdir(parents=True, exist_ok=True)
    places = drawing_paths(options.images, options.draw or Path())
    results = []
    work = list(zip(options.images, places, strict=True))
    for path, place in report.progress(work, total=len(work), name="detecting", quiet=options.quiet):
        pixels = read_image(path)
        tensor = network.feed(resize(pixels, network.width, network.height, options.resize))
        found = above(detector.detect(tensor), options.min_score)
        result = describe(path, pixels, found, names)
        if options.draw is not None:
            draw(pixels, found, names).save(place)
            result["drawn"] = str(place)
        results.append(result)
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """See ``--help``; exit code 0, or an error's own."""
    parser = argparse.ArgumentParser(
        prog="ckssd.detect", description="Detect objects in images with a TFLite model."
    )
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    parser.add_argument(
        "--model", type=Path, required=True, help="TFLite file with its postprocessing operator"
    )
    parser.add_argument("--labels", type=Path, required=True, help="label map (.pbtxt) or label list")
    parser.add_argument(
        "--label-offset", type=int, choices=(0, 1), default=1, help="label id of the first class"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resize", choices=RESIZE_METHODS, default=DEFAULT_RESIZE)
    parser.add_argument("--not-normalized", action="store_true", help="feed 0 to 255 instead of -1 to 1")
    parser.add_argument("--min-score", type=float, default=0.0, help="leave out detections below this score")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="write the images with the detections drawn")
    parser.add_argument("--output", type=Path, help="where the JSON goes; default: standard output")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    options = parser.parse_args(arguments)

    def detect() -> int:
        text = json.dumps(run(options), indent=2) + "\n"
        if options.output is None:
            sys.stdout.write(text)
        else:
            options.output.write_text(text, encoding="utf-8")
        return 0

    return run_main("ckssd detect", detect, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())
