"""How long a report of a data set of COCO's size takes, and how large it gets: time, memory, bytes.

    .venv/bin/python -m bench.report [--detections 40] [--rounds 3] [--results DIR]

5000 images with 80 classes and 36,000 objects; links to some JPEGs of 640x480; so many detections in each.
`ckssd report` runs as a process of its own, with the COCO tools that `make demo` installs.
Results go to bench/results/report.json and report.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from bench.coco_metrics import CATEGORIES, IMAGES, detections_like_ssd, truth_like_coco
from bench.context import ROOT, Row
from bench.ended import run_to_end
from bench.written import RESULTS, load_before, row_lines, write_results
from ckssd.ck.home import checkout_home
from ckssd.coco.results import results_of
from ckssd.measure.files import hash_file
from ckssd.measure.record import DATA_SET_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, TIMER_FILE
from ckssd.visual.run_folder import detections_sha256

PICTURES = 20
MOST_SECONDS, MOST_MEBIBYTES, MOST_BYTES = 20.0, 1024.0, 5_000_000


def make_run(folder: Path, detections: int) -> Path:
    """A result folder as a benchmark of that size leaves it, with its data set beside; return it."""
    random = np.random.default_rng(17)
    truth = truth_like_coco(random)
    run, images = folder / "run", folder / "images"
    run.mkdir()
    images.mkdir()
    annotations = folder / "instances.json"
    annotations.write_text(json.dumps(truth), encoding="utf-8")
    _pictures(random, images, [image["file_name"] for image in truth["images"]])
    rows = detections_like_ssd(random, truth, detections)
    files = {
        DETECTIONS_FILE: list(results_of(rows)),
        IMAGE_TIMES_FILE: {
            "image_ids": [image["id"] for image in truth["images"]],
            "load_s": random.gamma(9, 4e-4, IMAGES).tolist(),
            "detect_s": random.gamma(40, 6e-4, IMAGES).tolist(),
        },
        DATA_SET_FILE: {"images": str(images), "annotations": str(annotations)},
        TIMER_FILE: _record(rows, hash_file(annotations).sha256),
    }
    for name, content in files.items():
        (run / name).write_text(json.dumps(content), encoding="utf-8")
    return run


def _pictures(random: np.random.Generator, folder: Path, names: list[str]) -> None:
    """Smooth pictures with some noise, which compress about as photographs do."""
    made = []
    for number in range(PICTURES):
        small = Image.fromarray(random.integers(0, 256, (24, 32, 3), np.uint8))
        smooth = np.asarray(small.resize((640, 480), Image.Resampling.BICUBIC), np.float64)
        noisy = np.clip(smooth + random.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)
        made.append(folder / f"made {number}.jpg")
        Image.fromarray(noisy).save(made[-1], quality=90)
    for place, name in enumerate(names):
        os.link(made[place % PICTURES], folder / name)


def _record(rows: np.ndarray, annotations: str) -> dict[str, Any]:
    settings = {"runtime": "litert", "images": IMAGES, "threads": 2, "mode": "throughput"}
    return {
        "mAP": 0.2,
        "recall": 0.3,
        "images_per_second": 70.0,
        "detections_sha256": detections_sha256(rows),
        "settings": {**settings, "annotations_sha256": annotations},
    }


def measure(run: Path, place: Path) -> tuple[float, float]:
    """Seconds of one report, and MiB of the larger of its two processes."""
    words = [sys.executable, "-m", "ckssd", "report", str(run), "-o", str(place)]
    ended = run_to_end(*words, variables=checkout_home(ROOT).variables())
    return ended.seconds, ended.peak_bytes / 1024**2


def main() -> int:
    """Write the figures; 1 where one of them is beyond its bound."""
    parser = argparse.ArgumentParser(prog="bench.report", description=__doc__.splitlines()[0])
    parser.add_argument("--detections", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    options = parser.parse_args()
    busy = load_before()
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as name:
        folder = Path(name)
        run, place = make_run(folder, options.detections), folder / "report.html"
        rounds = [measure(run, place) for _ in range(options.rounds)]
        seconds, memory, size = median(one for one, _ in rounds), rounds[-1][1], place.stat().st_size
    found = [
        Row("the whole process", f"{MOST_SECONDS:g} s", f"{seconds:.1f} s", seconds <= MOST_SECONDS, {}),
        Row("peak memory", f"{MOST_MEBIBYTES:g} MiB", f"{memory:.0f} MiB", memory <= MOST_MEBIBYTES, {}),
        Row("the page", f"{MOST_BYTES / 1e6:g} MB", f"{size / 1e6:.2f} MB", size <= MOST_BYTES, {}),
    ]
    how = (
        f"{IMAGES} images, {CATEGORIES} classes, {IMAGES * options.detections} detections; "
        f"median of {options.rounds} runs; {busy}"
    )
    content = {"rounds": rounds, "bytes": size}
    write_results(
        options.results, "report", content, row_lines(found), command="python -m bench.report", how=how
    )
    return int(not all(row.met for row in found))


if __name__ == "__main__":
    sys.exit(main())
