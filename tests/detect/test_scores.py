"""Class outputs become scores by the graph, by what was stated, or not at all."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.litert import LiteRTDetector
from ckssd.detect.litert_raw import RawLiteRTDetector
from ckssd.detect.own_nms import OwnPostprocessing
from ckssd.detect.scores import Scores, check_scores, scores_of, sigmoid, softmax
from ckssd.errors import InputError, UsageError
from ckssd.model.description import Model
from ckssd.tflite.activation import class_activation
from ckssd.tflite.model import cut_model, read_model
from tests.detect.tiny_model import SIDE, tiny_model

FILE = Path("m.tflite")


def image() -> np.ndarray:
    return np.random.default_rng(2).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)


def test_the_functions_are_right_at_the_ends_too() -> None:
    logits = np.array([[[-1000, -2, 0, 2, 1000]]], np.float32)
    with np.errstate(over="raise", invalid="raise"):
        scores, shares = sigmoid(logits), softmax(logits)
    np.testing.assert_allclose(scores[0, 0], [0, 1 / (1 + np.e**2), 0.5, 1 / (1 + np.e**-2), 1], rtol=1e-6)
    assert scores.dtype == shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=-1), 1)


@pytest.mark.parametrize("scores", [[0.5, 1.7], [-6.0, 0.2], [0.1, np.nan]])
def test_what_is_no_score_is_refused(scores: list[float]) -> None:
    with pytest.raises(InputError, match=r"no scores: m\.tflite.*CK_SCORE_ACTIVATION=sigmoid"):
        check_scores(np.array(scores, np.float32), FILE)
    check_scores(np.array([0.0, 1.0, 1.004], np.float32), FILE)
    check_scores(np.array([], np.float32), FILE)


@pytest.mark.parametrize("operator", [True, False])
def test_a_stated_activation_gives_what_one_in_the_graph_gives(tmp_path: Path, operator: bool) -> None:
    found = []
    for logits in (False, True):
        path = tmp_path / f"{logits}.tflite"
        path.write_bytes(tiny_model(logits=logits))
        whole = read_model(path)
        stated = Model("litert", path, activation="sigmoid" if logits else None)
        if operator:
            found.append(
                LiteRTDetector(whole, scores=scores_of(stated, class_activation(whole))).detect(image())
            )
            continue
        cut = cut_model(whole)
        path.write_bytes(cut.convolutions)
        raw = read_model(path)
        anchors = np.random.default_rng(1).uniform(0.2, 0.8, (64, 4)).astype(np.float32)
        assert whole.options is not None
        scores = scores_of(stated, class_activation(raw))
        detector = RawLiteRTDetector(raw, OwnPostprocessing(anchors, (whole.options,), scores))
        found.append(detector.detect(image()))
    assert len(found[0]) > 0
    assert found[0].classes.tolist() == found[1].classes.tolist()
    np.testing.assert_allclose(found[0].scores, found[1].scores, atol=1e-6)


def test_an_activation_is_not_applied_twice(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_model())
    with pytest.raises(UsageError, match=r"CK_SCORE_ACTIVATION.*the graph itself ends in a sigmoid"):
        scores_of(Model("litert", path, activation="sigmoid"), class_activation(read_model(path)))
    fine = scores_of(Model("litert", path, activation="none"), class_activation(read_model(path)))
    assert fine.as_they_are
    assert fine.describe() == ""


def test_what_is_stated_is_said() -> None:
    assert "sigmoid (CK_SCORE_ACTIVATION)" in Scores(FILE, None, "sigmoid").describe()
    assert dataclasses.replace(Scores(FILE), stated="none").describe() == ""
