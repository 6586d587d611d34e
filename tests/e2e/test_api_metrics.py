"""Pascal VOC's and Open Images' metrics are those of the Object Detection API's evaluators, bit for bit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_equality import variables
from tests.support.sandbox import CHECKOUT, Sandbox

pytestmark = pytest.mark.slow(seconds=40)

INSIDE = Path(__file__).parent / "inside" / "api_metrics.py"
DATA = "dataset,object-detection,shapes"


def in_api(installed: Sandbox, output: Path, *arguments: str) -> Any:
    """Run the script where TensorFlow and the API are; return what it wrote."""
    research = Path(variables(installed, "model,tensorflow,api")["CK_ENV_TENSORFLOW_MODELS_RESEARCH"])
    python = variables(installed, "lib,tensorflow,v2")["CK_ENV_LIB_TF_PYTHON_FILE"]
    path = os.pathsep.join([str(research), str(CHECKOUT / "src")])
    done = installed.run(python, str(INSIDE), str(output), *arguments, PYTHONPATH=path)
    assert done.code == 0, done.text
    return json.loads(output.read_text())


@pytest.mark.parametrize("seeds", [20, pytest.param(2000, marks=pytest.mark.full)])
def test_every_number_of_random_sets_is_the_api_s(installed: Sandbox, tmp_path: Path, seeds: int) -> None:
    found = in_api(installed, tmp_path / "found.json", "random", str(seeds))
    assert found["different"] == []
    assert found["compared"] > 30 * seeds


@pytest.mark.full
def test_a_benchmark_s_numbers_are_the_api_s(installed: Sandbox, tmp_path: Path) -> None:
    detections = tmp_path / "found.json"
    for metric in ("voc", "oid"):
        done = installed.ckssd(
            *("benchmark", f"--metric-type={metric}", "--tags=shapes", "--dataset-tags=shapes"),
            *(f"--detections={detections}", "--json"),
        )
        assert done.code == 0, done.text
        record = json.loads(done.out)["data"]
        annotations = variables(installed, DATA)["CK_ENV_DATASET_ANNOTATIONS"]
        files = ("files", annotations, str(detections), metric)
        api = in_api(installed, tmp_path / "api.json", *files)
        assert (record["mAP"], record["per_class"]) == (api["mAP"], api["per_class"])
        evaluated = installed.ckssd(
            *("evaluate", f"--annotations={annotations}", f"--detections={detections}"),
            f"--metric-type={metric}",
        )
        assert f"mAP: {api['mAP']!r}\n" in evaluated.out
        assert f"Metric: {metric}, " in evaluated.out
