"""The seed's own export command works with every TensorFlow package, by the one source of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckssd.install import find_pythons
from tests.support.sandbox import CHECKOUT, Sandbox

# 1.13.1 is in test_page, too, by the same command.
pytestmark = [pytest.mark.full, pytest.mark.usefixtures("object_detection_api")]

API, CHECKPOINT = "model,tensorflow,api", "model,tensorflow,tf,ssd-mobilenet,shapes"
VERSIONS = {"1.11.0": "3.6", "1.12.0": "3.6", "1.13.1": "3.7", "1.14.0": "3.7", "1.15.5": "3.7"}
COMMAND = (CHECKOUT / "package" / "model-tflite-mlperf-ssd-mobilenet" / "README.md").read_text()
EXPORT = re.search(r"--shell_cmd='\n(.*?export_tflite_ssd_graph\.py.*?)'\n", COMMAND, re.DOTALL)


@pytest.fixture(scope="module")
def home(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("ck home") / "of the exporters", tools=shared)
    made.install(API)
    made.install(CHECKPOINT)
    yield made
    made.remove()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_seeds_command_exports_with(home: Sandbox, version: str) -> None:
    if not any(python.minor == VERSIONS[version] for python in find_pythons()):
        pytest.skip(f"TensorFlow {version} needs Python {VERSIONS[version]}, which is not on this machine")
    tensorflow = f"lib,tensorflow,vprebuilt,v{version}"
    home.install(tensorflow)
    assert EXPORT is not None
    graph = Path(home.folder, f"graph-{version}")
    graph.mkdir()
    command = EXPORT[1].replace("--output_directory graph", f"--output_directory {graph.name}")
    groups = f"--tag_groups={tensorflow} {API} {CHECKPOINT}"
    done = home.ck("virtual", "env", groups, f"--shell_cmd={command}")
    assert done.code == 0, done.text
    text = (graph / "tflite_graph.pbtxt").read_text()
    assert re.search(r'key: "use_regular_nms"\s+value \{\s+b: true', text)
    assert re.search(r'key: "max_detections"\s+value \{\s+i: 100', text)
    converted = home.ckssd(
        *("convert", "--graph", str(graph / "tflite_graph.pb"), "--output", str(graph), "--json"),
        f"--tensorflow-tags=v{version}",
    )
    assert converted.code == 0, converted.text
    assert json.loads(converted.out)["data"]["anchors"] == 1917
    assert (graph / "detect.tflite").stat().st_size > (graph / "detect_cut.tflite").stat().st_size > 0
