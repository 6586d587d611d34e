"""Write the data set to a folder as COCO lays it out.

That is ``images/%012d.jpg`` and ``annotations/instances_val.json``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ckssd import report
from ckssd.coco.shapes.draws import Draws
from ckssd.coco.shapes.geometry import SHAPES
from ckssd.coco.shapes.outlines import polygons, run_lengths
from ckssd.coco.shapes.scenes import Thing, draw_scene
from ckssd.errors import InputError, UsageError
from ckssd.processors import usable_processors

# The package dataset-shapes-val is these; the built-in model's training images come from another seed.
VALIDATION_IMAGES = 250
VALIDATION_SEED = 2017
# A spawned process runs the caller's main script again, so only where a forked one may crash, as on macOS.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"

CATEGORIES = [
    {"supercategory": "shape", "id": number, "name": name} for number, name in enumerate(SHAPES, start=1)
]
ANNOTATIONS_FILE = Path("annotations", "instances_val.json")
_DATE = "2026-11-21 00:00:00"
_CATEGORY_IDS = {name: number for number, name in enumerate(SHAPES, start=1)}
_MAX_OBJECTS_PER_IMAGE = 100  # room for annotation ids: image id * 100 + number
_MAX_IMAGES = 10_000_000


def write_shapes_dataset(
    directory: str | os.PathLike[str],
    images: int,
    seed: int,
    *,
    quiet: bool = False,
    workers: int | None = None,
) -> Path:
    """Generate a data set of shapes; the same images and seed give the same bytes everywhere.

    Parameters
    ----------
    directory
        Where to write; made if missing, else it must be empty.
    images
        How many images, at least 1. Image k is the same in a smaller and in a larger data set of one seed.
    seed
        0 or more.
    quiet
        Show no progress.
    workers
        Processes to use; all processors by default. The result does not depend on it.

    Returns
    -------
    Path
        The annotations file (COCO instances: boxes are [x, y, width, height] in pixels, areas count visible
        pixels, crowds are run lengths).

    Raises
    ------
    UsageError
        A count below 1 or a negative seed.
    InputError
        The directory is not an empty one, or cannot be written.
    """
    _check_numbers(images, seed, workers)
    root = Path(directory)
    _prepare(root)
    count = min(images, workers or usable_processors())
    write_one = partial(_write_image, root / "images", seed)
    image_entries: list[dict[str, Any]] = []
    annotation_entries: list[dict[str, Any]] = []
    with _mapper(count) as mapper:
        written = mapper(write_one, range(1, images + 1))
        for image, annotations in report.progress(written, total=images, name="Drawing", quiet=quiet):
            image_entries.append(image)
            annotation_entries += annotations
    path = root / ANNOTATIONS_FILE
    _write_json(path, seed, image_entries, annotation_entries)
    return path


def _check_numbers(images: int, seed: int, workers: int | None) -> None:
    if not 1 <= images <= _MAX_IMAGES:
        raise UsageError("Number of images out of range", expected=f"1 to {_MAX_IMAGES}", got=images)
    if seed < 0:
        raise UsageError("Seed out of range", expected="0 or more", got=seed)
    if workers is not None and workers < 1:
        raise UsageError("Number of workers out of range", expected="1 or more", got=workers)


def _prepare(root: Path) -> None:
    try:
        if root.is_dir() and any(root.iterdir()):
            raise InputError(
                "The directory for the data set is not empty",
                where=root,
                advice="name a new directory, or empty this one",
            )
        (root / "images").mkdir(parents=True)
        (root / ANNOTATIONS_FILE.parent).mkdir()
    except OSError as error:
        raise InputError(
            "The directory for the data set cannot be made",
            where=root,
            got=error.strerror,
            advice="name a directory that you may write to",
        ) from error


@contextmanager
def _mapper(workers: int) -> Iterator[Any]:
    """An ordered ``map`` over processes, or the plain one when a single process does."""
    if workers == 1:
        yield map
        return
    # The pool ends its processes by SIGTERM. Our handler, which a forked one has too, is Python's, and does
    # not run while a process waits for work: one that had come just before would be waited for for ever.
    by_default = partial(signal.signal, signal.SIGTERM, signal.SIG_DFL)
    with multiprocessing.get_context(START_METHOD).Pool(workers, by_default) as pool:
        yield partial(pool.imap, chunksize=4)


def _write_image(folder: Path, seed: int, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    scene = draw_scene(Draws(seed, number))
    height, width, _ = scene.pixels.shape
    name = f"{number:012d}.jpg"
    # 4:2:0, like most photographs; all settings are named, as Pillow's defaults are not promised.
    Image.fromarray(scene.pixels).save(
        folder / name, format="JPEG", quality=scene.quality, subsampling=2, optimize=False
    )
    image = {
        "license": 1,
        "file_name": name,
        "coco_url": "",
        "height": height,
        "width": width,
        "date_captured": _DATE,
        "flickr_url": "",
        "id": number,
    }
    first = number * _MAX_OBJECTS_PER_IMAGE
    return image, [_annotation(thing, first + k, number) for k, thing in enumerate(scene.things, start=1)]


def _annotation(thing: Thing, number: int, image: int) -> dict[str, Any]:
    rows, columns = np.flatnonzero(thing.mask.any(axis=1)), np.flatnonzero(thing.mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return {
        "segmentation": run_lengths(thing.mask) if thing.is_crowd else polygons(thing.mask),
        "area": float(np.count_nonzero(thing.mask)),
        "iscrowd": int(thing.is_crowd),
        "image_id": image,
        "bbox": [float(x), float(y), float(columns[-1] + 1 - x), float(rows[-1] + 1 - y)],
        "category_id": _CATEGORY_IDS[thing.name],
        "id": number,
    }


def _write_json(
    path: Path, seed: int, images: list[dict[str, Any]], annotations: list[dict[str, Any]]
) -> None:
    content = {
        "info": {
            "description": f"Shapes, {len(images)} images of seed {seed}",
            "url": "",
            "version": "1.0",
            "year": 2026,
            "contributor": "ck-ssd",
            "date_created": _DATE[:10].replace("-", "/"),
        },
        "licenses": [
            {"url": "http://www.apache.org/licenses/LICENSE-2.0", "id": 1, "name": "Apache License 2.0"}
        ],
        "images": images,
        "annotations": annotations,
        "categories": CATEGORIES,
    }
    text = json.dumps(content, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
