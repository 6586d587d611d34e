"""``bench.family``: its table and rows kept; in ``make test-full`` every model of it against TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import family
from bench.family_models import MODELS
from bench.family_reasons import AT_THRESHOLD, FOLLOWS, STEPS, Explained, Limits, explain, iou, margin
from bench.family_table import Row, known, summary, table, write
from bench.family_ways import IR, REGULAR
from ckssd.detect.detections import Detections
from ckssd.graph.pipeline import read_pipeline
from tests.e2e.test_equality import variables
from tests.support.agreement import compare
from tests.support.sandbox import Sandbox

LIMITS = Limits(0.6, family.BOXES, family.SCORES, 1e-3)


def detections(*scores: float) -> Detections:
    boxes = np.array([[0.1 * k, 0.1, 0.1 * k + 0.05, 0.2] for k in range(len(scores))], np.float32)
    return Detections(boxes, np.arange(len(scores)), np.array(scores, np.float32))


def of_one_class(*found: tuple[float, float]) -> Detections:
    """Boxes of width and height 0.4 that begin at a place along the image, with their scores."""
    boxes = [[0.3, left, 0.7, left + 0.4] for left, _ in found]
    scores = np.array([score for _, score in found], np.float32)
    return Detections(np.array(boxes, np.float32), np.zeros(len(found), np.int64), scores)


def explained(one: Detections, other: Detections, limits: Limits = LIMITS) -> list[Explained]:
    tolerances = {"box_tolerance": limits.boxes, "score_tolerance": limits.scores}
    found = compare([("0", one, other)], threshold=0.3, keep=100, tie_tolerance=limits.ties, **tolerances)
    return explain(found, {"0": (one, other)}, limits)


def row(model: str, *scores: float, way: str = IR) -> Row:
    one, other = detections(*scores), detections(0.9)
    found = summary(compare([("0", one, other)], threshold=0.3, keep=100), explained(one, other))
    return Row(model, way, 1.0, 2.0, found, found)


def test_the_table_counts_exceptions_by_reason_and_says_which_ways_have_them() -> None:
    lines = table([row("one", 0.9), *(row("other", 0.9, 0.5, 0.4, way=way) for way in (REGULAR, IR))], 16)
    assert "| one | IR | 1.0 | 2.0 | 1 | 0 | 1 | 0 | 0 | 0.0e+00 | 0.0e+00 |" in lines
    said = "2 are unexplained, scores 0.40 to 0.50: image 0, class 1, image 0, class 2"
    assert lines[-1] == f"- other ({REGULAR}, {IR}): {said}"
    assert row("other", 0.9, 0.5).sure["unexplained"] == 1


def test_a_table_without_exceptions_says_so() -> None:
    assert table([row("one", 0.9)], 16)[-1] == "Every detection above 0.3 has its counterpart."


def test_rows_of_models_that_are_not_measured_stay(tmp_path: Path) -> None:
    assert known(tmp_path, ["one"]) == []
    write([row("one", 0.9), row("other", 0.9)], tmp_path, 16)
    assert [each.model for each in known(tmp_path, ["one"])] == ["other"]
    assert len(json.loads((tmp_path / "family.json").read_text())) == 2


def test_an_iou_at_the_threshold_of_nms_is_an_explanation() -> None:
    """Two boxes 0.1 apart have an IoU of 0.6; a hair more of one, and it suppresses the other."""
    here = of_one_class((0.2, 0.9), (0.3001, 0.8), (0.6, 0.7))
    there = of_one_class((0.2002, 0.9), (0.6, 0.7))
    (one,) = explained(here, there)
    assert (one.side, one.reason, one.detail) == ("one", AT_THRESHOLD, "0.5997 / 0.6003")
    (unlike,) = explained(of_one_class((0.2, 0.9), (0.35, 0.8)), of_one_class((0.2, 0.9)))
    assert unlike.reason == ""


def test_what_one_side_keeps_for_lack_of_another_follows_from_it() -> None:
    """The second is at the threshold; where it is suppressed, the third stays, which it would suppress."""
    here = of_one_class((0.2, 0.9), (0.3001, 0.8))
    there = of_one_class((0.2002, 0.9), (0.36, 0.7))
    assert [each.reason for each in explained(here, there)] == [AT_THRESHOLD, FOLLOWS]


def test_steps_of_the_quantisation_are_counted() -> None:
    one, other = of_one_class((0.2, 0.9)), of_one_class((0.2, 0.85))
    limits = Limits(0.6, 0.01, 0.02, 0.02, steps=1)
    assert {(each.reason, each.detail) for each in explained(one, other, limits)} == {(STEPS, "2.5")}
    assert {each.reason for each in explained(one, of_one_class((0.2, 0.7)), limits)} == {""}


@given(
    st.lists(st.floats(0.05, 0.9), min_size=4, max_size=4),
    st.lists(st.floats(-1, 1), min_size=8, max_size=8),
)
def test_no_movement_changes_an_iou_by_more_than_its_margin(sides: list[float], moves: list[float]) -> None:
    top, left, height, width = sides
    one = np.array([top, left, top + height, left + width])
    other = one + np.array([0.2 * height, 0.1 * width, 0.2 * height, 0.1 * width])
    moved = 1e-4 * np.array(moves).reshape(2, 4)
    change = abs(iou(one + moved[0], other + moved[1]) - iou(one, other))
    assert change <= margin(one, other, 1e-4) * 1.02


@pytest.mark.parametrize("name", MODELS)
def test_configurations_are_of_the_sizes_that_they_are_fed(name: str, tmp_path: Path) -> None:
    model, config = MODELS[name], tmp_path / "pipeline.config"
    config.write_text(model.config())
    assert read_pipeline(config).image_size() == (model.height, model.width)


def what_quantises(home: Sandbox) -> family.Tools:
    """TensorFlow 1.15 and the API of 2020, installed in a home."""
    tensorflow, api = "lib,tensorflow,v1.15", "model,tensorflow,api,v2020.07"
    home.install(tensorflow)
    home.install(api)
    python = variables(home, tensorflow)["CK_ENV_LIB_TF_PYTHON_FILE"]
    return family.Tools(Path(python), Path(variables(home, api)["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"]))


@pytest.mark.full
@pytest.mark.slow(seconds=120)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_finds_what_tensorflow_finds(
    name: str, installed: Sandbox, shared: Sandbox, tmp_path: Path
) -> None:
    home = Sandbox(tmp_path / "a ck home", tools=shared)
    try:
        home.install("model,tensorflow,api,v2022")
        api = variables(home, "model,tensorflow,api,v2022")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"]
        old = what_quantises(home) if MODELS[name].quantised else None
    finally:
        home.remove()
    python = variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"]
    tools = family.Tools(Path(python), Path(api), old)
    for found in family.measure(MODELS[name], tmp_path / name, tools):
        assert found.sure["matched"] > 0
        assert found.sure["unexplained"] == 0, found.sure["exceptions"]
