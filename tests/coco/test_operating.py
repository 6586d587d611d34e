"""Operating points: equal to counting by hand and to pycocotools' matching, on sets with every odd case."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ckssd.coco.matching import IGNORED, RIGHT, WRONG, box_ious, match
from ckssd.coco.operating import Point, best_f1, for_precision, for_recall, points
from ckssd.coco.results import Rows, rows_of
from ckssd.coco.truth import GroundTruth, read_truth
from tests.coco.test_metrics import data_set, written

THRESHOLDS = (0.05, 0.3, 0.5, 0.75, 0.95)


def case(folder: Path, seed: int, levels: int | None = None) -> tuple[Path, GroundTruth, Rows]:
    truth, detections = data_set(seed, number=8, levels=levels)
    path = written(folder, truth)
    return path, read_truth(path), rows_of(detections)


def by_pycocotools(path: Path, rows: Rows, iou: float) -> dict[tuple[int, int], list[tuple[float, int]]]:
    """Of each image and category: score and outcome of its detections, best first."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        results = [
            {"image_id": int(r[0]), "category_id": int(r[6]), "bbox": r[1:5].tolist(), "score": r[5]}
            for r in rows
        ]
        run = COCOeval(truth, truth.loadRes(results), "bbox")
        run.params.iouThrs = np.array([iou])
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.params.maxDets = [10**6]
        run.evaluate()
    found = {}
    for one in filter(None, run.evalImgs):
        outcomes = np.where(one["dtIgnore"][0], IGNORED, np.where(one["dtMatches"][0] > 0, RIGHT, WRONG))
        key = (one["image_id"], one["category_id"])
        found[key] = list(zip(one["dtScores"], outcomes.tolist(), strict=True))
    return {key: value for key, value in found.items() if value}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    iou=st.sampled_from([0.1, 0.5, 0.75, 1.0]),
    levels=st.sampled_from([None, 3]),
)
def test_every_detection_gets_what_pycocotools_gives_it(
    tmp_path: Path, seed: int, iou: float, levels: int | None
) -> None:
    path, truth, rows = case(tmp_path, seed, levels)
    if not len(rows):
        return
    matches = match(truth, rows, truth.image_ids.tolist(), iou)
    ours: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for index in np.argsort(-rows[:, 5], kind="stable").tolist():
        key = (int(rows[index, 0]), int(rows[index, 6]))
        ours.setdefault(key, []).append((matches.scores[index], int(matches.outcomes[index])))
    assert ours == by_pycocotools(path, rows, iou)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_threshold_is_what_matching_only_its_detections_gives(tmp_path: Path, seed: int) -> None:
    path, truth, rows = case(tmp_path, seed)
    matches = match(truth, rows, truth.image_ids.tolist(), 0.5)
    names = dict(zip(truth.category_ids.tolist(), truth.category_names, strict=True))
    swept = {(one.category_id, one.score_threshold): one for one in points(matches, THRESHOLDS, names)}
    single = truth.box_categories[truth.crowds == 0]
    for threshold in THRESHOLDS:
        shown = rows[rows[:, 5] >= threshold]
        every = by_pycocotools(path, shown, 0.5)
        for category in (None, *sorted(set(single.tolist()))):
            own = [one for key, value in every.items() if category in (None, key[1]) for one in value]
            right = sum(outcome == RIGHT for _, outcome in own)
            wrong = sum(outcome == WRONG for _, outcome in own)
            there = len(single) if category is None else int((single == category).sum())
            point = swept[category, threshold]
            assert (point.true_positives, point.false_positives, point.objects) == (right, wrong, there)
            assert point.precision == (right / (right + wrong) if right + wrong else None)
            assert point.recall == right / there
            assert point.false_positives_per_image == wrong / 8
            if point.precision and point.recall:
                mean = 2 / (1 / point.precision + 1 / point.recall)
                assert point.f1 == pytest.approx(mean, rel=1e-12)


def test_images_that_were_not_run_do_not_count(tmp_path: Path) -> None:
    _, truth, rows = case(tmp_path, 3)
    run = truth.image_ids.tolist()[:4]
    matches = match(truth, rows[np.isin(rows[:, 0], run)], run, 0.5)
    assert matches.images == 4
    assert sum(matches.objects.values()) == int((np.isin(truth.box_images, run) & (truth.crowds == 0)).sum())


def test_a_threshold_is_compared_as_the_models_scores_are(tmp_path: Path) -> None:
    _, truth, rows = case(tmp_path, 1)
    rows = rows[:1].copy()
    rows[0, 5] = float(np.float32(0.7))  # below 0.7 as a float64
    matches = match(truth, rows, truth.image_ids.tolist(), 0.5)
    (point, *_) = points(matches, (0.7,), dict.fromkeys(truth.category_ids.tolist(), "x"))
    assert point.true_positives + point.false_positives + int(matches.outcomes[0] == IGNORED) == 1


def test_boxes_that_only_touch_share_nothing_and_a_crowd_counts_by_what_is_inside() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    others = np.array([[10.0, 0, 10, 10], [0, 0, 100, 100], [5, 0, 10, 10]])
    crowds = np.array([False, True, False])
    assert box_ious(boxes, others, crowds).tolist() == [[0.0, 1.0, 50 / 150]]


def point(threshold: float, right: int, wrong: int, objects: int = 10, nms: float | None = None) -> Point:
    return Point(nms, threshold, None, "", objects, right, wrong, 5)


def test_of_equal_f1_the_highest_threshold_is_best() -> None:
    assert best_f1([point(0.1, 5, 5), point(0.2, 5, 5), point(0.3, 4, 6)]) == point(0.2, 5, 5)
    assert best_f1([point(0.1, 0, 0, 0)]) is None


def test_for_a_precision_the_highest_recall_and_for_a_recall_the_highest_precision() -> None:
    given = [point(0.1, 9, 9), point(0.2, 8, 2), point(0.3, 7, 3), point(0.4, 4, 0), point(0.5, 0, 0)]
    assert for_precision(given, 0.8) == point(0.2, 8, 2)
    assert for_precision(given, 0.7) == point(0.2, 8, 2)
    assert for_precision(given, 1.0) == point(0.4, 4, 0)
    assert for_recall(given, 0.7) == point(0.2, 8, 2)
    assert for_recall(given, 0.9) == point(0.1, 9, 9)
    assert for_recall(given, 0.95) is None
