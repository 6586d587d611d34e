"""Draw a data set of shapes with annotations in COCO's format.

The built-in validation set (package dataset-shapes-val) and the images that the built-in model was
trained on come from the same generator; the same seed and number give the same bytes.

    ckssd shapes --images 1000 --seed 7 my-shapes/
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ckssd.cli.result import Result
from ckssd.coco.shapes import write_shapes_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--images", type=int, default=100, metavar="N", help="how many images (default: 100)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="another seed gives other images (default: 0)"
    )


def run(options: argparse.Namespace) -> Result:
    """Write the images and their annotations."""
    write_shapes_dataset(options.directory, images=options.images, seed=options.seed)
    data = {"directory": str(options.directory), "images": options.images, "seed": options.seed}
    return Result(f"{options.images} images with annotations: {options.directory}", data)
