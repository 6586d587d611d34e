"""How sure a difference in mAP is: paired bootstrap over images, all resamples at once.

Every resample draws as many images as there are, with replacement, the same for all runs. Its mAP is COCO's,
with each image counted as often as it was drawn. The interval is the percentile interval of Efron and
Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

Runs as ``python -m ckssd.coco.bootstrap`` in the environment of the COCO tools: files in, JSON out. One
process analyses each run, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.analysis import analyse, hotcoco_here
from ckssd.coco.columns import run_columns
from ckssd.coco.metrics import read_ids
from ckssd.coco.results import Rows, check_images, read_results
from ckssd.coco.truth import GroundTruth, read_truth
from ckssd.endings import run_main

SAMPLES, SEED, CONFIDENCE = 1000, 0, 0.95
IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
RIGHT, WRONG, OUT = 1, 0, -1
# Elements of an array at a time: 16 MB of float32.
AT_ONCE = 4_000_000

# COCOeval's recalls, some of which are a last digit above the hundredth that a division gives.
NEAR = 2e-4
NOT_REACHED = (np.linspace(0, 1, 101) > np.arange(101) / 100).astype(np.float32)

Weights = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClassMatches:
    """A class's detections, best score first: place of the image [D], status at each IoU [10, D].

    ``objects``: place of the image of each object [G].
    """

    images: Integers
    statuses: npt.NDArray[np.int8]
    objects: Integers


def compare(annotations: Path, several: Sequence[Rows], image_ids: Sequence[int]) -> dict[str, Any]:
    """Intervals of each run's mAP, and of its difference to the first run's.

    Parameters
    ----------
    several
        Detections of each run, see ckssd.coco.results.
    image_ids
        The images that all were run on.

    Returns
    -------
    dict
        ``samples``, ``seed``, ``confidence``, ``images``; ``runs`` and ``differences``: ``value``, ``low``
        and ``high`` of each run, in order. Raises as ckssd.coco.analysis.analyse does.
    """
    truth = read_truth(annotations)
    weights = draw(len(set(image_ids)), SAMPLES, SEED)
    values, samples = [], []
    for rows in several:
        matched = match_classes(truth, rows, image_ids)
        values.append(float(mean_average_precisions(matched, np.ones((len(weights), 1), np.float32))[0]))
        samples.append(mean_average_precisions(matched, weights))
    return {
        "samples": SAMPLES,
        "seed": SEED,
        "confidence": CONFIDENCE,
        "images": len(weights),
        "runs": [_interval(value, sample) for value, sample in zip(values, samples, strict=True)],
        "differences": [
            _interval(value - values[0], sample - samples[0])
            for value, sample in zip(values, samples, strict=True)
        ],
    }


def draw(images: int, samples: int, seed: int) -> Weights:
    """How often each image is in each resample, [images, samples]."""
    drawn = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), samples)
    return np.ascontiguousarray(drawn.T, np.float32)


def _interval(value: float, samples: npt.NDArray[np.float64]) -> dict[str, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, (tail, 1 - tail))
    return {"value": value, "low": float(low), "high": float(high)}


def match_classes(truth: GroundTruth, rows: Rows, image_ids: Sequence[int]) -> list[ClassMatches]:
    """Match by hotcoco at each of COCO's IoUs; classes without objects are left out, as COCO's mean does."""
    check_images(rows, image_ids)
    images = np.unique(np.asarray(image_ids, np.int64))
    evaluated = run_columns(hotcoco_here(), truth, rows, image_ids)
    statuses = np.full((len(IOUS), len(rows)), OUT, np.int8)
    for place, iou in enumerate(IOUS):
        said = evaluated.run.image_diagnostics(iou_thr=iou)["dt_status"]
        identities = np.fromiter(said, np.int64, len(said))
        right = np.fromiter((status == "tp" for status in said.values()), np.bool_, len(said))
        statuses[place, evaluated.detections[identities - 1]] = np.where(right, RIGHT, WRONG)
    # As COCOeval sorts: image after image, then by score, equal ones in their order.
    order = np.lexsort((np.arange(len(rows)), rows[:, 0], -rows[:, 5]))
    single = evaluated.objects[truth.crowds[evaluated.objects] == 0]
    found = []
    for category in evaluated.categories.tolist():
        objects = single[truth.box_categories[single] == category]
        if not len(objects):
            continue
        own = order[rows[order, 6] == category]
        # What comes after the last right one changes nothing.
        own = own[: 1 + int(np.flatnonzero((statuses[:, own] == RIGHT).any(axis=0)).max(initial=-1))]
        found.append(
            ClassMatches(
                np.searchsorted(images, rows[own, 0].astype(np.int64)),
                statuses[:, own],
                np.searchsorted(images, truth.box_images[objects]),
            )
        )
    return found


def mean_average_precisions(classes: Sequence[ClassMatches], weights: Weights) -> npt.NDArray[np.float64]:
    """MAP of each resample, [samples]; a class without objects in a resample does not count there."""
    total, number = np.zeros(weights.shape[1]), np.zeros(weights.shape[1])
    for one in classes:
        step = max(1, AT_ONCE // max(len(one.images), 1))
        for start in range(0, weights.shape[1], step):
            part = slice(start, start + step)
            chosen = np.ascontiguousarray(weights[:, part])
            objects = chosen[one.objects].sum(axis=0)
            average = _average_precisions(one, chosen, np.maximum(objects, 1))
            total[part] += np.where(objects > 0, average, 0)
            number[part] += objects > 0
    return np.divide(total, number, out=np.zeros_like(total), where=number > 0)


def _average_precisions(one: ClassMatches, weights: Weights, objects: Weights) -> npt.NDArray[np.float64]:
    """AP of a class, meaned over the IoUs, for each resample."""
    every = np.cumsum(weights[one.images], axis=0)
    total = np.zeros(weights.shape[1])
    for statuses in one.statuses:
        right = np.flatnonzero(statuses == RIGHT)
        if not len(right):
            continue
        true = np.cumsum(weights[one.images[right]], axis=0)
        shown = every[right]
        out = np.flatnonzero(statuses == OUT)
        if len(out):
            before = np.cumsum(weights[one.images[out]], axis=0)
            places = np.searchsorted(out, right)
            shown[places > 0] -= before[places[places > 0] - 1]
        # What stands at a recall is the best precision at it or beyond.
        best = true / np.maximum(shown, 1)
        np.maximum.accumulate(best[::-1], axis=0, out=best[::-1])
        # How many of the 101 recalls lie from one right detection to the next; the first has recall 0, too.
        reached = _recalls_reached(true * (np.float32(100) / objects))
        reached[1:] -= reached[:-1].copy()
        reached[0] += 1
        total += np.einsum("ds,ds->s", best, reached) / 101
    return total / len(IOUS)


def _recalls_reached(hundredths: Weights) -> Weights:
    """The last of the 101 recalls that is reached; of equal ones, as COCOeval's rounding has it."""
    reached: Weights = np.floor(hundredths + np.float32(NEAR))
    equal = np.flatnonzero(hundredths - reached < NEAR)
    reached.flat[equal] -= NOT_REACHED[reached.flat[equal].astype(np.int64)]
    return reached


def main(arguments: Sequence[str] | None = None) -> int:
    """``--annotations FILE --images FILE --detections FILE --detections FILE --output FILE``."""
    parser = argparse.ArgumentParser(
        prog="ckssd.coco.bootstrap", description="Accuracy of several runs, as JSON."
    )
    parser.add_argument("--annotations", type=Path, required=True, help="COCO instances file")
    parser.add_argument("--detections", type=Path, action="append", required=True, help="of each run")
    parser.add_argument("--images", type=Path, required=True, help="JSON list of the image ids that were run")
    parser.add_argument("--output", type=Path, required=True, help="where it goes, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def run() -> int:
        several = [read_results(file) for file in options.detections]
        ids = read_ids(options.images)
        found = {
            "runs": [analyse(options.annotations, rows, ids) for rows in several],
            "intervals": compare(options.annotations, several, ids),
        }
        options.output.write_text(json.dumps(found), encoding="utf-8")
        return 0

    return run_main("ckssd report", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())
