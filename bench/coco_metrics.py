"""COCO metrics of 5000 images: ours against pycocotools, whole processes from start to numbers."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.context import ROOT, Context, Row, in_turn, median_ratio
from ckssd.coco.results import results_of
from ckssd.processors import usable_processors

IMAGES, BOXES, CATEGORIES = 5000, 36_000, 80
LEAST_RATIO = 4.0
DETECTIONS = 12  # of an image, as an SSD gives at threshold 0.3


def measure(context: Context) -> list[Row]:
    """As many detections as an SSD gives; ``bench.coco_metrics_100`` has as many as count."""
    return [compare(context, DETECTIONS, context.rounds)]


def compare(context: Context, number: int, rounds: int) -> Row:
    """Both in turn, so many rounds, on ``number`` detections of each image."""
    random = np.random.default_rng(17)
    truth = truth_like_coco(random)
    annotations = context.write("instances_5000.json", truth)
    rows = detections_like_ssd(random, truth, number)
    results = context.write(f"detections_{number}.json", list(results_of(rows)))
    output = context.folder / "metrics.json"
    command = [str(context.coco_python), "-m", "ckssd.coco.metrics", "--annotations", str(annotations)]
    command += ["--detections", str(results), "--output", str(output)]

    def ours(cache: Path) -> tuple[float, list[float]]:
        variables = {"PYTHONPATH": str(ROOT / "src"), "CKSSD_CACHE": str(cache)}
        start = time.perf_counter()
        subprocess.run(
            command, env={**context.environment, **variables}, stdin=subprocess.DEVNULL, check=True
        )
        seconds = time.perf_counter() - start
        return seconds, list(json.loads(output.read_bytes())["metrics"].values())

    def first() -> tuple[float, list[float]]:
        with tempfile.TemporaryDirectory(dir=context.folder) as cache:
            return ours(Path(cache))

    def plain() -> tuple[float, list[float]]:
        start = time.perf_counter()
        numbers = context.run(context.coco_python, "plain_metrics.py", annotations, results)
        return time.perf_counter() - start, numbers

    kept = context.folder / "cache"
    ours(kept)  # from the second run on, the ground truth is kept
    runs = in_turn({"pycocotools": plain, "first": first, "ours": partial(ours, kept)}, rounds)
    seconds = {name: [sample[0] for sample in samples] for name, samples in runs.items()}
    equal = len({json.dumps(sample[1]) for samples in runs.values() for sample in samples}) == 1
    ratio, first_ratio = (median_ratio(seconds["pycocotools"], seconds[name]) for name in ("ours", "first"))
    return Row(
        f"metrics for {IMAGES} images with {number} detections each, against pycocotools "
        "(whole processes, the same files)",
        f"at least {LEAST_RATIO:g} times faster, numbers equal",
        f"{ratio:.1f} times ({median(seconds['ours']):.1f} and {median(seconds['pycocotools']):.1f} s), "
        f"{first_ratio:.1f} when the ground truth is new; numbers {'equal' if equal else 'NOT EQUAL'}",
        min(ratio, first_ratio) >= LEAST_RATIO and equal,
        {"seconds": seconds, "processors": usable_processors()},
    )


def truth_like_coco(random: np.random.Generator) -> dict[str, Any]:
    """An instances file of COCO's size: its number of boxes, with outlines, some of crowds."""
    images = [
        {"id": number, "file_name": f"{number:012d}.jpg", "width": 640, "height": 480}
        for number in sorted(random.choice(600_000, IMAGES, replace=False).tolist())
    ]
    chosen = np.sort(random.choice(IMAGES, BOXES, p=random.dirichlet(np.full(IMAGES, 1.2))))
    kinds = random.choice(CATEGORIES, BOXES, p=random.dirichlet(np.full(CATEGORIES, 0.5))) + 1
    boxes, shares, crowds = (
        _boxes(random, BOXES),
        random.uniform(0.4, 0.9, BOXES),
        random.random(BOXES) < 0.01,
    )
    annotations = []
    for index, (x, y, width, height) in enumerate(boxes.round(2).tolist()):
        corners = random.uniform(0, 1, (int(random.integers(8, 40)), 2)) * (width, height) + (x, y)
        annotations.append(
            {
                "id": index + 1,
                "image_id": images[chosen[index]]["id"],
                "category_id": int(kinds[index]),
                "bbox": [x, y, width, height],
                "area": width * height * float(shares[index]),
                "iscrowd": int(crowds[index]),
                "segmentation": [corners.round(2).ravel().tolist()],
            }
        )
    categories = [{"id": number, "name": f"kind {number}"} for number in range(1, CATEGORIES + 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def detections_like_ssd(random: np.random.Generator, truth: dict[str, Any], number: int) -> np.ndarray:
    """Rows (see ckssd.coco.results): some near an object of their image, the others anywhere."""
    objects: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in truth["images"]}
    for entry in truth["annotations"]:
        objects[entry["image_id"]].append(entry)
    rows = np.empty((IMAGES, number, 7))
    for place, (identity, entries) in enumerate(objects.items()):
        near = min(len(entries) * 2, number)
        image = rows[place]
        image[:, 0] = identity
        image[:, 1:5] = _boxes(random, number)
        image[:, 5] = random.beta(1, 6, number)
        image[:, 6] = random.integers(1, CATEGORIES + 1, number)
        if near:
            of = [entries[index % len(entries)] for index in range(near)]
            image[:near, 1:5] = np.array([entry["bbox"] for entry in of]) * random.normal(1, 0.1, (near, 4))
            image[:near, 5] = random.beta(4, 3, near)
            image[:near, 6] = [entry["category_id"] for entry in of]
    return rows.reshape(-1, 7)


def _boxes(random: np.random.Generator, number: int) -> np.ndarray:
    """Boxes x, y, width, height [N, 4] inside 640x480, of every size alike."""
    sides = np.exp(random.uniform(np.log(8), np.log(400), (number, 2)))
    corners = random.uniform(0, 1, (number, 2)) * (np.array([640, 480]) - sides)
    return np.concatenate([corners, sides], axis=1)
