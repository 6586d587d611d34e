"""What a submission says of its runtime, and that all files of a model decide whether a run is made again."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import CkssdError
from ckssd.submission import texts
from ckssd.submission.check import check, rules_of
from ckssd.submission.create import Wanted, create
from ckssd.submission.layout import Entry, Owner
from ckssd.submission.machine import describe_system
from ckssd.submission.runs import Runner, asked
from tests.loadgen.conftest import ROUNDS, SHORT
from tests.measure.conftest import make_bench
from tests.measure.test_backends import as_openvino
from tests.support.fixtures import folder

__all__ = ["folder"]
ROUND = rules_of("v2.0")
# Runtime, its distribution, the files of its model.
RUNTIMES = [
    ("litert", "ai-edge-litert", ["detect.tflite"]),
    ("openvino", "openvino", ["model.xml", "model.bin"]),
    ("onnx", "onnxruntime", ["model_no_nms.onnx", "anchors.npy"]),
    ("tensorflow", "tensorflow-cpu", ["frozen_inference_graph.pb"]),
]


def record(runtime: str, distribution: str, files: list[str]) -> dict[str, Any]:
    """Of a run: what of it is handed in."""
    settings = dict.fromkeys(
        ("model_sha256", "annotations_sha256", "nms", "score_threshold", "resize", "channel_order"), "x"
    )
    versions = {"mlcommons-loadgen": "6.0.17", "numpy": "2.0", distribution: "1.2", "python": "3.11"}
    settings |= {"runtime": runtime, "precision": "float32", "normalisation": "none", "mode": "latency"}
    named = [{"name": name, "bytes": 1, "sha256": "x"} for name in files]
    more = {"versions": versions, "model_files": named, "threads": 2, "images": 8, "postprocessed_by": "it"}
    return {"settings": {**settings, "model_file": files[0], **more}, "loadgen": {"samples": "loaded"}}


@pytest.mark.parametrize(("runtime", "distribution", "files"), RUNTIMES)
def test_runtime_and_files_are_named(folder: Path, runtime: str, distribution: str, files: list[str]) -> None:
    made = record(runtime, distribution, files)
    system = describe_system({"submitter": "me", "division": "open"}, made["settings"], {})
    assert system["framework"] == f"{distribution} 1.2"
    assert f"{distribution} 1.2" in system["other_software_stack"]
    described = texts.implementation(made, {})
    assert described["starting_weights_filename"] == " and ".join(files)
    assert described["weight_data_types"] == "fp32"
    readme = texts.readme(Entry(Owner(folder, "open", "me"), "a", "ssd-mobilenet", "Offline"), made, "go")
    assert f"- Runtime: {runtime}\n" in readme
    assert all(name in readme for name in files)
    code = texts.code_readme(runtime)
    assert f"--runtime {runtime}" in code
    (named,) = (word.strip("`),") for word in code.split() if "backends/" in word)
    assert (Path(texts.__file__).parents[2] / named.removeprefix("src/")).is_file()


def test_an_ir_s_weights_decide_whether_a_run_is_made_again(folder: Path) -> None:
    bench = make_bench(folder)
    variables = {**as_openvino(bench), "CK_ENV_LOADGEN_CONFIG_FILE": str(ROUNDS), **SHORT}
    runner = Runner(Path(sys.executable), variables, folder / "runs")
    settings = runner.settings("Offline", "performance")
    before = asked(settings)
    assert asked(settings) == before
    weights = settings.benchmark.model.file.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert asked(settings) != before


@pytest.mark.full
@pytest.mark.slow(seconds=20)
def test_a_whole_submission_with_openvino(folder: Path) -> None:
    pytest.importorskip("mlperf_loadgen", reason="LoadGen has no wheel for this Python or machine")
    bench = make_bench(folder)
    variables = {**as_openvino(bench), "CK_ENV_LOADGEN_CONFIG_FILE": str(ROUNDS), **SHORT}
    wanted = Wanted(folder / "sub", "me", folder / "originals", "go", compliance=True, scenarios=("Offline",))
    runner = Runner(Path(sys.executable), variables, folder / "runs")
    report = create(wanted, runner, ROUND)
    (submitted,) = report.results
    assert "-openvino/" in submitted.where
    assert submitted.figure
    assert check(wanted.root, ROUND).findings == report.findings
    (code,) = (wanted.root / "open" / "me" / "code" / "ssd-mobilenet").iterdir()
    assert code.name.startswith("ckssd-openvino-")
    nobody = dataclasses.replace(runner, python=Path("/no/such/python"))
    weights = runner.settings("Offline", "accuracy").benchmark.model.file.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(CkssdError, match="cannot be started"):
        create(dataclasses.replace(wanted, system="again"), nobody, ROUND)
