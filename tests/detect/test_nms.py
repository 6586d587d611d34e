"""Our NMS against TFLite's kernel: the same boxes, classes and scores, bit by bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckssd.detect import nms
from ckssd.detect.boxes import decode_boxes
from ckssd.detect.nms import postprocess
from ckssd.errors import InputError
from ckssd.tflite.options import PostProcessOptions
from tests.detect.kernel import run_kernel

CASES, CASES_OF_THE_FULL_TEST = 1000, 10_000
OPTIONS = PostProcessOptions(6, 100, 1, 0.3, 0.6, 10.0, 10.0, 5.0, 5.0, use_regular_nms=True)


@dataclass(frozen=True)
class Case:
    """What a graph without NMS puts out for one image, with the settings of its postprocessing."""

    encodings: np.ndarray
    predictions: np.ndarray
    anchors: np.ndarray
    options: PostProcessOptions

    def ours(self) -> tuple[np.ndarray, ...]:
        return postprocess(self.encodings, self.predictions, self.anchors, self.options)

    def kernel(self) -> tuple[np.ndarray, ...]:
        return run_kernel(self.encodings, self.predictions, self.anchors, self.options)


def make_case(
    seed: int,
    anchors: int,
    options: PostProcessOptions,
    *,
    background: int = 1,
    crowd: float = 0.3,
    levels: int | None = None,
) -> Case:
    """Random outputs. ``crowd`` below 1 moves anchors together; ``levels`` gives scores that many values."""
    random = np.random.default_rng(seed)
    centres = np.clip(0.5 + crowd * random.normal(0, 0.5, (anchors, 2)), 0, 1)
    sides = random.uniform(0.05, 0.6, (anchors, 2))
    columns = options.num_classes + background
    # Without levels every score is another one: which of two tied ones comes first may differ.
    steps = anchors * columns if levels is None else levels
    scores = random.permutation(np.resize(np.arange(steps), anchors * columns)) / max(steps, 2)
    return Case(
        random.normal(0, 1, (1, anchors, 4)).astype(np.float32),
        scores.astype(np.float32).reshape(1, anchors, columns) ** 2,
        np.concatenate([centres, sides], axis=1).astype(np.float32),
        options,
    )


@st.composite
def all_options(draw: st.DrawFn) -> PostProcessOptions:
    scales = st.sampled_from([1.0, 5.0, 10.0])
    return PostProcessOptions(
        num_classes=draw(st.integers(1, 12)),
        max_detections=draw(st.sampled_from([1, 2, 3, 10, 100])),
        max_classes_per_detection=1,
        nms_score_threshold=draw(st.sampled_from([1e-8, 1e-5, 0.1, 0.3, 0.6, 0.9, 1.0])),
        nms_iou_threshold=draw(st.sampled_from([0.05, 0.3, 0.6, 0.9, 1.0])),
        y_scale=draw(scales),
        x_scale=draw(scales),
        h_scale=draw(scales),
        w_scale=draw(scales),
        detections_per_class=draw(st.sampled_from([1, 2, 5, 100])),
        use_regular_nms=draw(st.booleans()),
    )


def assert_equal(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    for name, ours, theirs in zip(("scores", "classes", "boxes"), found[::-1], expected[::-1], strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


any_case = given(
    seed=st.integers(0, 2**32 - 1),
    anchors=st.integers(1, 90),
    background=st.integers(0, 1),
    crowd=st.sampled_from([0.01, 0.1, 1.0]),
    options=all_options(),
)


@settings(max_examples=CASES, deadline=None)
@any_case
def test_it_gives_what_the_kernel_gives(
    seed: int, anchors: int, background: int, crowd: float, options: PostProcessOptions
) -> None:
    case = make_case(seed, anchors, options, background=background, crowd=crowd)
    assert_equal(case.ours(), case.kernel())


@pytest.mark.full
@settings(max_examples=CASES_OF_THE_FULL_TEST, deadline=None)
@any_case
def test_it_gives_what_the_kernel_gives_in_ten_thousand_cases(
    seed: int, anchors: int, background: int, crowd: float, options: PostProcessOptions
) -> None:
    case = make_case(seed, anchors, options, background=background, crowd=crowd)
    assert_equal(case.ours(), case.kernel())


@settings(max_examples=CASES // 5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), anchors=st.integers(1, 60), levels=st.integers(1, 9))
def test_tied_scores_of_one_class_are_taken_in_the_order_of_the_anchors(
    seed: int, anchors: int, levels: int
) -> None:
    options = replace(OPTIONS, num_classes=1, max_detections=1000)
    for regular in (True, False):
        case = make_case(seed, anchors, replace(options, use_regular_nms=regular), levels=levels)
        ours, kernel = case.ours(), case.kernel()
        np.testing.assert_array_equal(ours[2], kernel[2])
        if not regular:  # the kernel sorts the survivors of regular NMS once more, without keeping the order
            assert_equal(ours, kernel)
        assert sorted(map(tuple, ours[0].tolist())) == sorted(map(tuple, kernel[0].tolist()))


@settings(max_examples=CASES // 5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), anchors=st.integers(1, 60), levels=st.integers(1, 9))
def test_fast_nms_takes_the_first_of_a_box_s_equal_classes(seed: int, anchors: int, levels: int) -> None:
    options = replace(OPTIONS, max_detections=1000, use_regular_nms=False)
    case = make_case(seed, anchors, options, levels=levels)
    assert_equal(case.ours(), case.kernel())


def test_the_background_is_no_candidate_however_sure_the_network_is() -> None:
    for regular in (True, False):
        case = make_case(8, 200, replace(OPTIONS, use_regular_nms=regular, nms_score_threshold=0.97))
        case.predictions[..., 0] = 1.0
        assert_equal(case.ours(), case.kernel())
        assert len(case.ours()[0])


@pytest.mark.parametrize("regular", [True, False])
@pytest.mark.parametrize("threshold", [0.3, 1e-5])
@pytest.mark.parametrize("crowd", [0.02, 1.0])
def test_the_full_size_model_s_outputs_give_the_same_too(
    regular: bool, threshold: float, crowd: float
) -> None:
    options = replace(OPTIONS, num_classes=90, nms_score_threshold=threshold, use_regular_nms=regular)
    for seed in range(2):
        case = make_case(seed, 1917, options, crowd=crowd)
        assert_equal(case.ours(), case.kernel())


def test_it_goes_on_until_the_limit_is_reached_or_no_candidate_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nms, "SORTED_AT_FIRST", 8)
    monkeypatch.setattr(nms, "WINDOW", 4)
    for seed in range(20):
        case = make_case(seed, 80, replace(OPTIONS, nms_score_threshold=1e-8, detections_per_class=7))
        assert_equal(case.ours(), case.kernel())


@pytest.mark.parametrize("per_class", [1, 2, 5])
def test_a_class_that_has_all_its_detections_leaves_the_candidates_of_others(
    monkeypatch: pytest.MonkeyPatch, per_class: int
) -> None:
    """Also those that were not sorted at first."""
    monkeypatch.setattr(nms, "SORTED_AT_FIRST", 8)
    monkeypatch.setattr(nms, "WINDOW", 4)
    options = replace(OPTIONS, nms_score_threshold=1e-8, detections_per_class=per_class, max_detections=1000)
    for seed in range(20):
        case = make_case(seed, 40, options)
        case.predictions[..., 1] = case.predictions[..., 1] / 4 + 0.75  # the first class fills up first
        assert_equal(case.ours(), case.kernel())


@pytest.mark.parametrize("regular", [True, False])
@pytest.mark.parametrize("background", [0, 1])
def test_a_score_equal_to_the_threshold_reaches_it(regular: bool, background: int) -> None:
    options = replace(OPTIONS, nms_score_threshold=0.25, use_regular_nms=regular)
    case = make_case(4, 40, options, background=background, crowd=1.0)
    case.predictions[:] = 0.1
    below = np.nextafter(np.float32(0.25), np.float32(0))
    case.predictions[0, :6, background:] = np.diag([0.25, below, 0.5, 0.26, 0.9, 0.0])
    found = case.ours()
    np.testing.assert_array_equal(found[2], np.array([0.9, 0.5, 0.26, 0.25], np.float32))
    assert_equal(found, case.kernel())


def test_no_candidate_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nms, "SORTED_AT_FIRST", 8)
    # At IoU threshold 1 a box does not even suppress itself.
    case = make_case(6, 60, replace(OPTIONS, nms_score_threshold=1e-8, nms_iou_threshold=1.0))
    assert_equal(case.ours(), case.kernel())


@pytest.mark.parametrize("per_class", [1, 3])
def test_candidates_of_classes_that_have_all_their_detections_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, per_class: int
) -> None:
    looked_at = 0

    def counted(encodings: np.ndarray, *others: Any) -> np.ndarray:
        nonlocal looked_at
        looked_at += len(encodings)
        return decode_boxes(encodings, *others)

    options = replace(
        OPTIONS, num_classes=90, max_detections=1000, detections_per_class=per_class, nms_score_threshold=0.0
    )
    case = make_case(1, 1917, options)
    monkeypatch.setattr(nms, "decode_boxes", counted)
    found = case.ours()
    assert_equal(found, case.kernel())
    assert len(found[0]) == 90 * per_class
    assert looked_at < 2000, "of 170,000"


@pytest.mark.parametrize("anchors", [15, 40])  # with 6 classes: fewer candidates than a window, and more
@pytest.mark.parametrize("regular", [True, False])
def test_boxes_without_area_suppress_nothing(regular: bool, anchors: int) -> None:
    options = replace(OPTIONS, nms_score_threshold=1e-8, use_regular_nms=regular)
    case = make_case(3, anchors, options, crowd=0.01)
    case.encodings[:, ::2, 2:] = -600.0  # sides of exp(-120): 0 in float32
    assert_equal(case.ours(), case.kernel())


def test_a_background_that_wins_is_no_detection() -> None:
    case = make_case(5, 30, replace(OPTIONS, use_regular_nms=False))
    case.predictions[:, ::2] = 0.1
    case.predictions[:, :, 0] = 0.99
    assert_equal(case.ours(), case.kernel())
    assert len(case.ours()[0]) > 0


@pytest.mark.parametrize("regular", [True, False])
def test_no_candidate_gives_no_detection(regular: bool) -> None:
    case = make_case(1, 20, replace(OPTIONS, use_regular_nms=regular))
    case.predictions[:] = 0.1
    boxes, classes, scores = case.ours()
    assert (boxes.shape, classes.shape, scores.shape) == ((0, 4), (0,), (0,))


def test_inputs_are_not_changed() -> None:
    case = make_case(2, 50, OPTIONS)
    before = [array.copy() for array in (case.encodings, case.predictions, case.anchors)]
    case.ours()
    for array, copy in zip((case.encodings, case.predictions, case.anchors), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("missing", ["encodings", "predictions", "anchors"])
def test_outputs_that_do_not_fit_are_refused(missing: str) -> None:
    case = make_case(1, 20, OPTIONS)
    shorter = np.take(getattr(case, missing), range(19), axis=0 if missing == "anchors" else 1)
    with pytest.raises(InputError, match=r"do not fit the anchors.*expected box encodings \[1, "):
        replace(case, **{missing: shorter}).ours()


def test_another_number_of_classes_is_refused() -> None:
    case = make_case(1, 20, OPTIONS)
    with pytest.raises(InputError, match="4 or 5"):
        replace(case, options=replace(OPTIONS, num_classes=4)).ours()


def test_fast_nms_with_several_classes_of_a_box_is_refused() -> None:
    case = make_case(1, 20, replace(OPTIONS, use_regular_nms=False, max_classes_per_detection=2))
    with pytest.raises(InputError, match="one class for each detection"):
        case.ours()
