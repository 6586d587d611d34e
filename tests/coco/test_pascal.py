"""Pascal VOC's counting and its two APs: hand-made cases, and an independent count in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.coco.pascal import Objects, area_below, box_ious, curve, eleven_points, match_best_first

BOX, FAR = (0, 0, 10, 10), (50, 50, 60, 60)


def labelled(
    detections: list[tuple[tuple[float, ...], float]],
    *,
    single: Sequence[tuple[float, ...]] = (),
    ignored: Sequence[tuple[float, ...]] = (),
    groups: Sequence[tuple[float, ...]] = (),
) -> tuple[list[tuple[float, bool]], list[float]]:
    """(score, right) of each detection that counts, the best first; and the best score in each group."""
    corners = np.array([*single, *ignored, *groups], np.float64).reshape(-1, 4)
    kinds = np.repeat([0, 1, 2], [len(single), len(ignored), len(groups)])
    best_first = sorted(detections, key=lambda one: -one[1])
    scores = np.array([score for _, score in best_first])
    boxes = np.array([box for box, _ in best_first], np.float64).reshape(-1, 4)
    outcome = match_best_first(boxes, scores, Objects(corners, kinds == 1, kinds == 2))
    kept = ~outcome.left_out
    found = list(zip(scores[kept].tolist(), outcome.right[kept].tolist(), strict=True))
    return found, outcome.groups.tolist()


def test_the_best_detection_of_an_object_is_right_and_others_are_wrong() -> None:
    found, _ = labelled([(BOX, 0.3), (BOX, 0.9), (FAR, 0.5)], single=[BOX])
    assert found == [(0.9, True), (0.5, False), (0.3, False)]


def test_a_detection_takes_no_second_choice() -> None:
    """VOC's kit does not look for another object: COCO would."""
    found, _ = labelled([(BOX, 0.9), (BOX, 0.8)], single=[BOX, (1, 0, 11, 10)])
    assert found == [(0.9, True), (0.8, False)]


@pytest.mark.parametrize(("bottom", "right"), [(5, True), (4.99, False)])
def test_an_iou_of_exactly_one_half_is_enough(bottom: float, right: bool) -> None:
    assert labelled([((0, 0, 10, bottom), 0.9)], single=[BOX])[0] == [(0.9, right)]


def test_detections_of_ignored_objects_do_not_count_however_many() -> None:
    assert labelled([(BOX, 0.9), (BOX, 0.8), (FAR, 0.5)], ignored=[BOX])[0] == [(0.5, False)]


def test_detections_with_half_their_area_in_a_group_do_not_count() -> None:
    inside, half, outside = (2, 2, 4, 4), (8, 0, 12, 10), (8.1, 0, 12.1, 10)
    found, best = labelled([(inside, 0.6), (half, 0.8), (outside, 0.7)], groups=[BOX, FAR])
    assert (found, best) == ([(0.7, False)], [0.8])


def test_a_second_detection_of_an_object_in_a_group_goes_to_the_group() -> None:
    found, best = labelled([(BOX, 0.9), (BOX, 0.8)], single=[BOX], groups=[(0, 0, 40, 40)])
    assert (found, best) == ([(0.9, True)], [0.8])


def test_boxes_have_no_pixel_added() -> None:
    one, other = np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10]])
    assert box_ious(one, other).item() == 50 / 150


def exact(rights: list[bool], number: int) -> tuple[Fraction, Fraction]:
    """Both APs from their definitions in words: rights from the best score on."""
    cuts = []
    for shown in range(1, len(rights) + 1):
        right = sum(rights[:shown])
        cuts.append((Fraction(right, number), Fraction(right, shown)))

    def best(recall: Fraction) -> Fraction:
        return max((precision for reached, precision in cuts if reached >= recall), default=Fraction(0))

    points = sum((best(Fraction(step, 10)) for step in range(11)), Fraction(0)) / 11
    area = sum((best(Fraction(step, number)) for step in range(1, number + 1)), Fraction(0)) / number
    return area, points


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 20))
def test_both_aps_are_those_of_their_definitions(rights: list[bool], missed: int) -> None:
    number = max(1, sum(rights) + missed)
    scores = np.linspace(0.9, 0.1, len(rights)) if rights else np.empty(0)
    order = np.random.default_rng(len(rights)).permutation(len(rights))
    found = curve(scores[order], np.array(rights, np.float64)[order], number)
    area, points = exact(rights, number)
    assert area_below(found) == pytest.approx(float(area), abs=1e-12)
    assert eleven_points(found) == pytest.approx(float(points), abs=1e-12)


def test_a_recall_of_three_tenths_reaches_the_point_at_three_tenths() -> None:
    """0.1 * 3 is more than 3 / 10, and MATLAB's and NumPy's ranges have it."""
    found = curve(np.array([0.9, 0.8, 0.7]), np.ones(3), 10)
    assert eleven_points(found) == pytest.approx(4 / 11)


def test_of_equal_scores_the_later_one_comes_first() -> None:
    found = curve(np.array([0.5, 0.5]), np.array([1.0, 0.0]), 1)
    assert found.precision.tolist() == [0.0, 0.5]
