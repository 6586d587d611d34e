"""Intervals of mAP: a resample's mAP is pycocotools' of a data set in which the images are there as often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckssd.coco.bootstrap import SAMPLES, compare, draw, match_classes, mean_average_precisions
from ckssd.coco.metrics import evaluate
from ckssd.coco.results import rows_of
from ckssd.coco.truth import read_truth
from tests.coco.test_metrics import data_set, written

IDS = list(range(1, 26))
NEAR = 1e-6  # weights are float32


def unequal(found: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """No two with one score: what a tie gives depends on the order of images."""
    scores = np.random.default_rng(seed).permutation(len(found)) + 1
    return [
        {**one, "score": float(score) / (len(found) + 1)} for one, score in zip(found, scores, strict=True)
    ]


def drawn_set(
    truth: dict[str, Any], found: list[dict[str, Any]], times: np.ndarray[Any, np.dtype[np.float32]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The data set with every image as often as it was drawn."""
    images, objects, detections = [], [], []
    for image, number in zip(truth["images"], times.astype(int).tolist(), strict=True):
        for _ in range(number):
            new = len(images) + 1
            images.append({**image, "id": new})
            objects += [
                {**one, "image_id": new} for one in truth["annotations"] if one["image_id"] == image["id"]
            ]
            detections += [{**one, "image_id": new} for one in found if one["image_id"] == image["id"]]
    objects = [{**one, "id": number} for number, one in enumerate(objects, start=1)]
    return {**truth, "images": images, "annotations": objects}, detections


@pytest.mark.parametrize("seed", range(4))
def test_a_resample_s_map_is_pycocotools_of_the_images_drawn(tmp_path: Path, seed: int) -> None:
    truth, found = data_set(seed)
    found = unequal(found, seed)
    path = written(tmp_path, truth)
    matched = match_classes(read_truth(path), rows_of(found), IDS)
    once = np.ones((len(IDS), 1), np.float32)
    whole = evaluate(path, found, IDS, "pycocotools")["mAP"]
    assert mean_average_precisions(matched, once)[0] == pytest.approx(whole, abs=NEAR)
    weights = draw(len(IDS), 5, seed)
    for sample, value in zip(weights.T, mean_average_precisions(matched, weights), strict=True):
        again, detections = drawn_set(truth, found, sample)
        ids = [image["id"] for image in again["images"]]
        reference = evaluate(written(tmp_path, again), detections, ids, "pycocotools")["mAP"]
        assert value == pytest.approx(reference, abs=NEAR)


def test_a_better_run_is_better_and_the_same_run_is_the_same(tmp_path: Path) -> None:
    truth, found = data_set(3)
    path = written(tmp_path, truth)
    perfect = [
        {"image_id": one["image_id"], "category_id": one["category_id"], "bbox": one["bbox"], "score": 0.9}
        for one in truth["annotations"]
        if not one["iscrowd"]
    ]
    first, best = rows_of(found), rows_of(perfect)
    said = compare(path, [first, first, best], IDS)
    assert said["samples"] == SAMPLES
    assert said["differences"][0] == said["differences"][1] == {"value": 0.0, "low": 0.0, "high": 0.0}
    better = said["differences"][2]
    assert 0 < better["low"] < better["value"] < better["high"]
    assert said["runs"][2]["value"] == pytest.approx(1.0, abs=1e-6)
    assert compare(path, [first, first, best], IDS) == said  # seeded
