"""``ckssd mo``: the seed's command lines, and one line for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ckssd.errors import RunError
from ckssd.graph.graphdef import write_graph
from tests.graph.tiny_ssd import LAYOUTS, tiny_ssd
from tests.support.sandbox import CHECKOUT, Sandbox

OUTPUT = "--output=detection_boxes,detection_scores,num_detections"


def mo(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ckssd", "mo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    path = tmp_path / "a folder" / "frozen_inference_graph.pb"
    path.parent.mkdir()
    write_graph(tiny_ssd(), path)
    return path


@pytest.mark.parametrize("configuration", ["legacy_ssd_support.json", "ssd_v2_support.json"])
def test_the_seeds_command_lines(configuration: str, tmp_path: Path) -> None:
    write_graph(tiny_ssd(LAYOUTS[configuration]), tmp_path / "frozen.pb")
    done = mo(
        f"--input_model={tmp_path / 'frozen.pb'}",
        "--tensorflow_use_custom_operations_config",
        f"extensions/front/tf/{configuration}",
        OUTPUT,
        f"--output_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    assert f"Configuration: {configuration} (there is no extensions/front/tf" in done.stdout
    assert (tmp_path / "frozen.xml").is_file()
    assert (tmp_path / "frozen.bin").is_file()


def test_the_result_as_json(graph_file: Path, tmp_path: Path) -> None:
    done = mo("--input_model", graph_file, "--output_dir", tmp_path, "--model_name=ssd", "--json", "-b", 2)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data["xml"] == str(tmp_path / "ssd.xml")
    assert data["model"]["inputs"] == {"image_tensor": [2, 4, 4, 3]}
    assert data["settings"]["keep_top_k"]["value"] == 200


def test_a_dry_run(graph_file: Path, tmp_path: Path) -> None:
    done = mo("--input_model", graph_file, "--dry_run", "--dump", tmp_path / "dump")
    assert done.returncode == 0, done.stderr
    assert "all its 8 points are in the graph" in done.stdout
    assert not list(Path.cwd().glob("frozen_inference_graph.*"))
    assert (tmp_path / "dump" / "edited.pb").is_file()


MISTAKES = {
    "shape": (["--input_shape=[1,300,300]"], 2, "--input_shape"),
    "channels": (["--input_shape=[1,300,300,4]"], 2, "--input_shape"),
    "batch twice": (["--input_shape=[2,4,4,3]", "--batch=2"], 2, "--batch"),
    "threshold": (["--confidence_threshold=nan"], 2, "--confidence_threshold"),
    "limit": (["--keep_top_k=0"], 2, "--keep_top_k"),
    "type": (["--data_type=INT4"], 2, "FP32 or FP16"),
    "name": (["--model_name=../x"], 2, "--model_name"),
    "output": (["--output=detection_boxes,,"], 2, "--output"),
    "unknown output": (["--output=nobody"], 3, "nobody"),
    "configuration": (["--tensorflow_use_custom_operations_config=none.json"], 3, "ssd_v2_support.json"),
    "pipeline": (["--tensorflow_object_detection_api_pipeline_config=none"], 3, "none"),
    "extensions": (["--extensions=nowhere"], 3, "nowhere"),
    "output folder": (["--output_dir=/proc/no/such"], 7, "/proc/no/such"),
    "no calibration images": (["--quantize=int8"], 2, "CK_CALIBRATION_IMAGES"),
    "a broken calibration image": (["--quantize=int8", "--calibration_images=BROKEN"], 3, "broken.png"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake: str, graph_file: Path, tmp_path: Path) -> None:
    arguments, code, said = MISTAKES[mistake]
    (tmp_path / "broken.png").write_bytes(b"no image")
    arguments = [argument.replace("BROKEN", str(tmp_path)) for argument in arguments]
    done = mo("--input_model", graph_file, "--output_dir", tmp_path / "ir", *arguments)
    assert done.returncode == code, done.stderr
    *steps, error = done.stderr.splitlines()
    assert all(line.startswith("==> ") for line in steps)
    assert error.startswith("ckssd mo: ")
    assert said in error
    assert not (tmp_path / "ir").exists()


# Put behind a replacer that the worker loads: an audit event, and a pattern for its first argument.
DYING = """
import os, re, signal, sys

def die(event, arguments):
    if event == {event!r} and re.search({pattern!r}, str(arguments[0])):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
"""
DEATHS = {
    "nothing is written": ("tempfile.mkdtemp", "/ir/"),
    "all is written, nothing in its place": ("os.rename", "/ir/.*bin$"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_the_death_of_the_worker_is_one_line_and_leaves_no_model(
    death: str, graph_file: Path, tmp_path: Path
) -> None:
    event, pattern = DEATHS[death]
    replacer = tmp_path / "extensions" / "replacer.py"
    replacer.parent.mkdir()
    own = (CHECKOUT / "docs/examples/normalised_input/replacer.py").read_text()
    replacer.write_text(own + DYING.format(event=event, pattern=pattern))
    target = tmp_path / "ir"
    done = mo("--input_model", graph_file, "--output_dir", target, "--extensions", replacer.parent)
    assert done.returncode == RunError.exit_code, done.stderr
    *steps, error = done.stderr.splitlines()
    assert all(line.startswith("==> ") for line in steps)
    assert error.startswith("ckssd mo: A worker process died: ckssd.graph (")
    assert "signal 9, Killed" in error
    assert [*target.glob("*.xml"), *target.glob("*.bin")] == []


WITHOUT_OPENVINO = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "openvino" else found(name, *rest)
from ckssd.cli import main
sys.exit(main(["mo", "--input_model", sys.argv[1], "--output_dir", sys.argv[2]]))
"""


def test_without_openvino_it_says_what_to_install(graph_file: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "empty home")
    target = tmp_path / "ir"
    done = sandbox.run(sys.executable, "-c", WITHOUT_OPENVINO, str(graph_file), str(target))
    sandbox.remove()
    assert done.code == 4
    assert "ckssd install --tags=lib,openvino" in done.err
    assert not target.exists()
