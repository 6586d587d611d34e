"""``bench.family``: its table and rows kept; in ``make test-full`` every model of it against TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench import family
from bench.family_models import MODELS
from ckssd.detect.detections import Detections
from ckssd.graph.pipeline import read_pipeline
from tests.e2e.test_equality import variables
from tests.support.agreement import compare
from tests.support.sandbox import Sandbox


def detections(*scores: float) -> Detections:
    boxes = np.array([[0.1 * k, 0.1, 0.1 * k + 0.05, 0.2] for k in range(len(scores))], np.float32)
    return Detections(boxes, np.arange(len(scores)), np.array(scores, np.float32))


def row(model: str, *scores: float) -> family.Row:
    pairs = [("0", detections(*scores), detections(0.9))]
    found = family.summary(compare(pairs, threshold=0.3, keep=100))
    return family.Row(model, family.IR, 1.0, 2.0, found, found)


def test_the_table_names_every_exception_with_its_score() -> None:
    lines = family.table([row("one", 0.9), row("other", 0.9, 0.5)])
    assert "| one | IR | 1.0 | 2.0 | 1 | 0 | 1 | 0 | 0.0e+00 | 0.0e+00 |" in lines
    assert lines[-1] == "- other, IR: image 0, class 1, score 0.500000: no tie"
    assert row("other", 0.9, 0.5).sure["unexplained"] == 1


def test_rows_of_models_that_are_not_measured_stay(tmp_path: Path) -> None:
    assert family.known(tmp_path, ["one"]) == []
    family.write([row("one", 0.9), row("other", 0.9)], tmp_path)
    assert [each.model for each in family.known(tmp_path, ["one"])] == ["other"]
    assert len(json.loads((tmp_path / "family.json").read_text())) == 2


@pytest.mark.parametrize("name", MODELS)
def test_configurations_are_of_the_sizes_that_they_are_fed(name: str, tmp_path: Path) -> None:
    model, config = MODELS[name], tmp_path / "pipeline.config"
    config.write_text(model.config())
    assert read_pipeline(config).image_size() == (model.height, model.width)


@pytest.mark.full
@pytest.mark.slow(seconds=120)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_finds_what_tensorflow_finds(
    name: str, installed: Sandbox, shared: Sandbox, tmp_path: Path
) -> None:
    home = Sandbox(tmp_path / "a ck home", tools=shared)
    try:
        home.install("model,tensorflow,api,v2022")
        api = variables(home, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"]
    finally:
        home.remove()
    python = variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"]
    for found in family.measure(MODELS[name], tmp_path / name, family.Tools(Path(python), Path(api))):
        assert found.sure["matched"] > 0
        # A few scores of MobileNet v3's IR differ from TensorFlow's by more than the tolerance.
        assert found.sure["unexplained"] <= found.sure["matched"] / 100, found.sure["exceptions"]
