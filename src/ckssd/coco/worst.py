"""The images in which a run is most wrong, some of each kind of error, with all that a picture needs drawn.

What counts is what a person would see: detections with at least a given score.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.errors import KINDS, MISSED, RIGHT, UNCOUNTED, Places, Sorted, grouped, missed
from ckssd.coco.results import Rows
from ckssd.coco.truth import GroundTruth

IMAGES_OF_A_KIND = 10
MOST_BOXES = 80

Weights = dict[str, dict[int, float]]


def worst_images(
    truth: GroundTruth, rows: Rows, objects: Places, found: Sorted, threshold: float
) -> list[dict[str, Any]]:
    """The worst images, most wrong first; docs/schema/report.json describes them.

    Of a kind of wrong detections, images with the largest sum of scores come first; of missed objects, those
    with most.

    Parameters
    ----------
    objects
        Places of the truth's boxes in the images that were run.
    found
        What each of the rows is, see ckssd.coco.errors.
    threshold
        Detections with a lower score are left out; scores are compared as float32.
    """
    shown = rows[:, 5].astype(np.float32) >= np.float32(threshold)
    lost = missed(truth, objects, found, shown)
    weights = _weights(truth, rows, found, shown, lost)
    chosen: dict[int, float] = defaultdict(float)
    for kind in KINDS:
        order = sorted(weights[kind].items(), key=lambda one: (-one[1], one[0]))
        for image, weight in order[:IMAGES_OF_A_KIND]:
            chosen[image] += weight
    ids = sorted(chosen, key=lambda image: (-chosen[image], image))
    by_image = grouped(truth.box_images[objects], objects)
    seen = np.flatnonzero(shown)
    detections = grouped(rows[seen, 0].astype(np.int64), seen)
    nothing = np.empty(0, np.int64)
    place_of = {int(identity): place for place, identity in enumerate(truth.image_ids)}
    return [
        {
            "id": image,
            "file_name": truth.file_names[place_of[image]],
            "width": int(truth.widths[place_of[image]]),
            "height": int(truth.heights[place_of[image]]),
            "kinds": [kind for kind in KINDS if image in weights[kind]],
            "objects": _objects(truth, by_image.get(image, nothing), lost),
            "detections": _detections(truth, rows, found, detections.get(image, nothing)),
        }
        for image in ids
    ]


def _weights(
    truth: GroundTruth, rows: Rows, found: Sorted, shown: npt.NDArray[np.bool_], lost: Places
) -> Weights:
    """Kind of error to image id to how bad it is there."""
    weights: Weights = {kind: defaultdict(float) for kind in KINDS}
    for place in np.flatnonzero(shown).tolist():
        kind = found.outcomes[place].kind
        if kind not in (RIGHT, UNCOUNTED):
            weights[kind][int(rows[place, 0])] += float(rows[place, 5])
    for place in lost.tolist():
        weights[MISSED][int(truth.box_images[place])] += 1.0
    return weights


def _objects(truth: GroundTruth, places: Places, lost: Places) -> list[dict[str, Any]]:
    names = _names(truth)
    gone = set(lost.tolist())
    return [
        {
            "class": names[int(truth.box_categories[place])],
            "box": _box(truth.boxes[place]),
            "crowd": bool(truth.crowds[place]),
            "missed": place in gone,
        }
        for place in places[:MOST_BOXES].tolist()
    ]


def _detections(truth: GroundTruth, rows: Rows, found: Sorted, places: Places) -> list[dict[str, Any]]:
    """Best score first."""
    names = _names(truth)
    order = places[np.argsort(-rows[places, 5], kind="stable")][:MOST_BOXES]
    made = []
    for place in order.tolist():
        outcome, category = found.outcomes[place], int(rows[place, 6])
        made.append(
            {
                "class": names.get(category, f"category {category}"),
                "score": round(float(rows[place, 5]), 4),
                "box": _box(rows[place, 1:5]),
                "kind": outcome.kind,
                "iou": round(outcome.iou, 3),
                "of": None if outcome.of < 0 else names[int(truth.box_categories[outcome.of])],
            }
        )
    return made


def _names(truth: GroundTruth) -> dict[int, str]:
    return dict(zip(truth.category_ids.tolist(), truth.category_names, strict=True))


def _box(box: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), 1) for value in box]
