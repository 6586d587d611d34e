"""How long data sets of many small pictures take to import, in each format.

    .venv/bin/python -m bench.datasets [--images 100000] [--boxes 5] [--formats voc yolo] [--results DIR]

The pictures are links to one of a few hundred bytes, so that what remains is the annotations' part: reading
them, finding and copying the pictures, hashing both, writing COCO's file, and reading that for CK. Wall
seconds, seconds of a processor (which others' work does not lengthen) and peak memory of the whole ``ckssd``
process, once. Results go to bench/results/datasets.json and datasets.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bench.context import ROOT
from bench.ended import run_to_end
from bench.written import RESULTS, load_before, write_results
from ckssd.ck.home import home_in, register
from ckssd.formats.content import Box, Content, Picture, numbered
from ckssd.formats.names import FORMATS, format_of
from ckssd.formats.writing import Folder
from ckssd.report import say

SIZE = (640, 480)
CLASSES = 80


class Linked(Folder):
    """A folder whose pictures are links."""

    def picture(self, picture: Picture, path: str) -> None:
        """Link instead of copying."""
        assert picture.file is not None
        os.link(picture.file, self.place(path))


def content(folder: Path, images: int, boxes: int) -> Content:
    """Random boxes on whole pixels; a file has ten thousand links, which file systems allow."""
    random.seed(0)
    names = [f"class {index}" for index in range(CLASSES)]
    pictures = []
    for index in range(images):
        if index % 10_000 == 0:
            file = folder / f"{index}.jpg"
            Image.new("L", SIZE).save(file, quality=20)
        inside = [
            Box(
                random.choice(names),
                random.randint(0, 500),
                random.randint(0, 300),
                random.randint(1, 140),
                random.randint(1, 180),
            )
            for _ in range(boxes)
        ]
        pictures.append(Picture(f"{index:012d}.jpg", file, *SIZE, inside))
    return Content(numbered(names), pictures, "val")


def timed(command: list[str], variables: dict[str, str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MB of a command."""
    ended = run_to_end(*command, variables=variables)
    return ended.seconds, ended.processor_s, ended.peak_bytes / 1e6


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="bench.datasets", description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--boxes", type=int, default=5, help="a picture")
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    options = parser.parse_args()
    how = f"{options.images} images, {options.boxes} boxes each, once; {load_before()}"
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        made = content(folder, options.images, options.boxes)
        home = home_in(folder / "home")
        register(ROOT, home)
        environment = {**home.variables(), "CKSSD_CACHE": str(folder / "cache")}
        found = {}
        for form in options.formats:
            format_of(form).write(made, Linked(folder / form))
            command = [sys.executable, "-m", "ckssd", "dataset"]
            source = [str(folder / form), "--format", form]
            imported = timed([*command, "import", *source, "--name", f"bench-{form}"], environment)
            shown = timed([*command, "show", *source, "--headers-only"], environment)
            found[form] = (*imported, *shown)
            say(f"    {form}: {_cells(found[form])}")
    lines = [
        "| | import, s | of a processor | MB | show, s | of a processor | MB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {form} | {_cells(values)} |" for form, values in found.items()]
    write_results(
        options.results, "datasets", {"found": found}, lines, command="python -m bench.datasets", how=how
    )


def _cells(values: Sequence[float]) -> str:
    return " | ".join(f"{value:.0f}" for value in values)


if __name__ == "__main__":
    main()
