"""The OpenVINO model quantised by NNCF in an environment of its own: nearly as accurate as the float one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox

PROGRAM = "object-detection-openvino"
LEAST_LOSS_THAT_IS_WRONG = 0.01
LEAST_MEAN_AVERAGE_PRECISION = 0.7


@pytest.fixture(scope="module")
def home(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A CK home with the float and the quantised OpenVINO model."""
    sandbox = Sandbox(tmp_path_factory.mktemp("int8 IR") / "ck home", tools=shared)
    for tags in ("tool,coco", "dataset,object-detection,shapes,val", "lib,openvino", "lib,nncf"):
        sandbox.install(tags)
    for tags in (
        "model,tensorflow,ssd-mobilenet,shapes",
        "model,openvino,shapes",
        "model,openvino,shapes-int8",
    ):
        sandbox.install(tags)
    yield sandbox
    sandbox.remove()


def measured(home: Sandbox, weights: str) -> tuple[float, str]:
    """MAP and the precision that the record states."""
    done = home.ck(
        *("benchmark", f"program:{PROGRAM}", "--repetitions=1", "--sleep=0"),
        *("--skip_print_timers", "--skip_stat_analysis", f"--dep_add_tags.weights={weights}"),
    )
    assert done.code == 0, done.text
    (mean,) = re.findall(r"^mAP: (\S+)$", done.out, re.MULTILINE)
    timer = home.program(PROGRAM) / "tmp" / "tmp-ck-timer.json"
    return float(mean), json.loads(timer.read_text())["settings"]["precision"]


@pytest.fixture(scope="module")
def by_the_program(home: Sandbox) -> Path:
    """The IR that the program wrote and quantised."""
    done = home.ck(
        *("run", "program:model-optimizer", "--env.CK_QUANTIZE=int8", "--env.CK_CALIBRATION_COUNT=5"),
        *("--dep_add_tags.weights=shapes", f"--env.MO_OUTPUT_DIR={home.folder / 'my IR'}"),
    )
    assert done.code == 0, done.text
    assert "Calibrated with 5 images drawn for it (shapes of seed 8)" in done.out
    return home.folder / "my IR" / "frozen_inference_graph_int8.xml"


def found_by(home: Sandbox, model: Path, **variables: str) -> dict[str, Any]:
    done = home.ckssd(
        *("benchmark", "--runtime=openvino", "--tags=shapes", "--count=100", "--json"),
        f"--env=CK_ENV_OPENVINO_MODEL_XML={model}",
        **variables,
    )
    assert done.code == 0, done.text
    found: dict[str, Any] = json.loads(done.out)["data"]
    return found


def test_the_program_quantises_what_it_writes(home: Sandbox, by_the_program: Path) -> None:
    record = json.loads(by_the_program.with_suffix(".calibration.json").read_text())
    assert len(record["images"]) == 5
    # oneDNN's kernels of processors with 8-bit dot products, and of those without, whose sums can saturate.
    data, without = (
        found_by(home, by_the_program, **variables) for variables in ({}, {"ONEDNN_MAX_CPU_ISA": "AVX2"})
    )
    assert data["settings"]["precision"] == "int8"
    assert data["mAP"] > LEAST_MEAN_AVERAGE_PRECISION
    assert without["detections_sha256"] == data["detections_sha256"]
    assert not [note for note in data["notes"] if "AMX" in note]


def test_it_loses_less_than_a_hundredth_of_mean_average_precision(home: Sandbox) -> None:
    reference, precision = measured(home, "shapes")
    assert precision == "float32"
    quantised, precision = measured(home, "shapes-int8")
    assert precision == "int8"
    assert quantised > reference - LEAST_LOSS_THAT_IS_WRONG
