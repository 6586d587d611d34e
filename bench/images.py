"""A data set of COCO's size for measuring speed: photographs' pixel counts and file sizes, COCO's categories.

Noise in octaves under boxes of colour, with grain: JPEG decoding costs what it does for a photograph, and the
seeded model finds some dozens of objects. The boxes in the annotations are random: nothing can be said of
accuracy, but the metrics have as much to do as on COCO.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ckssd.tflite.labels import read_label_map

SIZES = (
    (640, 480),
    (640, 427),
    (480, 640),
    (640, 425),
    (500, 375),
)  # COCO's most frequent, in about its shares
SHARES = (0.45, 0.25, 0.15, 0.1, 0.05)
QUALITY = 90
OCTAVES = {2: 40.0, 3: 45.0, 4: 45.0, 5: 40.0, 6: 30.0}  # grey levels of noise with 2**octave cells a side
COLOURED_BOXES = 16
GRAIN = 9.0  # grey levels
BOXES_PER_IMAGE = 7  # COCO 2017 val: 36,781 boxes in 5000 images


def make_images(folder: Path, count: int, labels: Path, seed: int = 0) -> Path:
    """Write ``count`` images and their annotations; return the annotations' path.

    ``labels``: the label map whose ids and names are the categories.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    categories = read_label_map(labels)
    with ProcessPoolExecutor() as pool:
        entries = list(pool.map(partial(_make_image, images, seed), range(1, count + 1), chunksize=16))
    annotations = [
        box for number, entry in enumerate(entries) for box in _boxes(entry, sorted(categories), number)
    ]
    path = folder / "instances.json"
    content = {
        "images": entries,
        "annotations": annotations,
        "categories": [{"id": identity, "name": name} for identity, name in categories.items()],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _make_image(folder: Path, seed: int, number: int) -> dict[str, int | str]:
    random = np.random.default_rng((seed, number))
    width, height = SIZES[random.choice(len(SIZES), p=SHARES)]
    image = np.full((height, width, 3), 128.0, np.float32)
    for octave, share in OCTAVES.items():
        image += share * _smooth(random, 2**octave + 1, width, height)
    for box in range(COLOURED_BOXES):
        _paint_box(random, image, striped=box % 2 == 1)
    image += GRAIN * random.standard_normal((height, width, 1), np.float32)
    name = f"{number:012}.jpg"
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / name, quality=QUALITY)
    return {"id": number, "file_name": name, "width": width, "height": height}


def _paint_box(random: np.random.Generator, image: np.ndarray, *, striped: bool) -> None:
    height, width = image.shape[:2]
    tall, wide = random.uniform(0.08, 0.4, 2)
    top, left = (
        int(share * side)
        for share, side in ((random.uniform(0, 1 - tall), height), (random.uniform(0, 1 - wide), width))
    )
    part = image[top : top + int(tall * height), left : left + int(wide * width)]
    part *= 0.35
    part += 0.65 * random.uniform(0, 255, 3).astype(np.float32)
    angle, waves = random.uniform(0, np.pi), random.uniform(10, 40)
    if striped:
        rows, columns = (np.arange(size, dtype=np.float32) for size in part.shape[:2])
        along = rows[:, None] * (np.sin(angle) / height) + columns[None] * (np.cos(angle) / width)
        part += 50.0 * np.sin(2 * np.pi * waves * along)[:, :, None]


def _smooth(random: np.random.Generator, points: int, width: int, height: int) -> np.ndarray:
    """Noise [height, width, 3] in -1..1, interpolated between a grid's points."""
    grids = random.uniform(-1, 1, (3, points, points)).astype(np.float32)
    planes = [Image.fromarray(grid).resize((width, height), Image.Resampling.BILINEAR) for grid in grids]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _boxes(entry: dict[str, int | str], categories: list[int], number: int) -> list[dict[str, object]]:
    random = np.random.default_rng((1, number))
    width, height = int(entry["width"]), int(entry["height"])
    boxes = []
    for place in range(BOXES_PER_IMAGE):
        w, h = (float(side) for side in random.uniform(0.05, 0.5, 2) * (width, height))
        x, y = float(random.uniform(0, width - w)), float(random.uniform(0, height - h))
        boxes.append(
            {
                "id": number * BOXES_PER_IMAGE + place + 1,
                "image_id": entry["id"],
                "category_id": categories[int(random.integers(len(categories)))],
                "bbox": [x, y, w, h],
                "area": w * h,
                "iscrowd": 0,
            }
        )
    return boxes
