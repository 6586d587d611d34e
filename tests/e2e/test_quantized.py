"""The quantised built-in model: nearly as accurate as the float one, with and without the operator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckssd.tflite.model import read_model
from tests.detect.tiny_video import write_video
from tests.support.sandbox import Sandbox

GRAPH = "CK_ENV_TENSORFLOW_MODEL_TFLITE_GRAPH"
LEAST_LOSS_THAT_IS_WRONG = 0.01


@pytest.fixture(scope="module")
def quantised(
    installed: Sandbox, shapes_tflite: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """``detect_int8`` and ``detect_cut_int8``, calibrated with images that are in no other data set."""
    folder = tmp_path_factory.mktemp("int8 here")
    assert installed.ckssd("shapes", "--images=40", "--seed=99", str(folder / "drawn")).code == 0
    done = installed.ckssd(
        *("convert", f"--graph={shapes_tflite / 'tflite_graph.pb'}", f"--output={folder / 'out'}"),
        *("--quantize=int8", f"--calibration-images={folder / 'drawn' / 'images'}"),
    )
    assert done.code == 0, done.text
    return {path.stem: path for path in (folder / "out").glob("*.tflite")}


def mean(installed: Sandbox, precision: str, *options: str) -> float:
    done = installed.ckssd("benchmark", "--json", *options)
    assert done.code == 0, done.text
    found = json.loads(done.out)["data"]
    assert found["settings"]["precision"] == precision
    return float(found["mAP"])


def test_it_takes_grey_levels_and_is_a_third_of_the_size(
    quantised: dict[str, Path], shapes_tflite: Path
) -> None:
    assert set(quantised) == {"detect_int8", "detect_cut_int8"}
    whole, cut = (read_model(quantised[name]) for name in ("detect_int8", "detect_cut_int8"))
    assert [tensor.dtype for tensor in (*whole.inputs, *cut.inputs)] == ["uint8", "uint8"]
    assert {tensor.dtype for tensor in (*whole.outputs, *cut.outputs)} == {"float32"}
    assert whole.options is not None
    assert cut.options is None
    for model, name in ((whole, "detect_regular_nms.tflite"), (cut, "detect_no_nms.tflite")):
        assert model.size < 0.35 * (shapes_tflite / name).stat().st_size


def test_it_loses_less_than_a_hundredth_of_mean_average_precision(
    installed: Sandbox, quantised: dict[str, Path]
) -> None:
    reference = mean(installed, "float32")
    whole = mean(installed, "int8", f"--env={GRAPH}_REGULAR_NMS={quantised['detect_int8']}")
    assert whole > reference - LEAST_LOSS_THAT_IS_WRONG
    cut = mean(installed, "int8", "--nms=none", f"--env={GRAPH}_NO_NMS={quantised['detect_cut_int8']}")
    assert cut == pytest.approx(whole, abs=1e-3)


def test_the_program_quantises_with_images_that_the_data_set_does_not_have(
    installed: Sandbox, shapes_tflite: Path
) -> None:
    done = installed.ck(
        *("run", "program:convert-tflite", "--env.CK_QUANTIZE=int8", "--env.CK_CALIBRATION_COUNT=3"),
        f"--env.TFLITE_GRAPH={shapes_tflite / 'tflite_graph.pb'}",
    )
    assert done.code == 0, done.text
    assert "Calibrated with 3 images drawn for it (shapes of seed 8)" in done.out
    written = installed.program("convert-tflite") / "tmp"
    assert read_model(written / "detect_int8.tflite").inputs[0].dtype == "uint8"
    assert len(json.loads((written / "calibration.json").read_text())["images"]) == 3


def test_an_image_that_is_none_fails_with_one_line_and_leaves_nothing(
    installed: Sandbox, shapes_tflite: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    done = installed.ckssd(
        *("convert", f"--graph={shapes_tflite / 'tflite_graph.pb'}", f"--output={tmp_path / 'out'}"),
        *("--quantize=int8", f"--calibration-images={tmp_path}"),
    )
    assert done.code == 3
    *steps, error = done.err.splitlines()
    assert all(line.startswith("==> ") for line in steps)
    assert "A calibration image cannot be used" in error
    assert "broken.jpg" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.full
def test_a_video_and_an_installed_data_set_are_doors_to_calibration(
    installed: Sandbox, shapes_tflite: Path, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "a clip.mp4", frames=12, size=(320, 240))
    convert = ("convert", f"--graph={shapes_tflite / 'tflite_graph.pb'}", "--quantize=int8")
    sources = (
        (f"--calibration-images={video}", video.name),
        ("--calibration-dataset=shapes", "drawn for it"),
    )
    for number, (source, origin) in enumerate(sources):
        out = tmp_path / f"out {number}"
        done = installed.ckssd(*convert, f"--output={out}", source, "--calibration-count=4")
        assert done.code == 0, done.text
        record = json.loads((out / "calibration.json").read_text())
        assert len(record["images"]) == 4
        assert origin in record["origin"]
        assert (out / "detect_int8.tflite").stat().st_size


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--calibration-images=x.mp4"], "go with --quantize"),
        (["--quantize=int8", "--calibration-dataset=shapes", "--calibration-images=."], "both say"),
        (["--quantize=int8", "--calibration-dataset=none-such"], "Nothing with these tags is installed"),
        (["--quantize=int8", "--calibration-images=x.mp4"], "The image is missing"),
        (["--quantize=int8", "--calibration-annotations=x.json"], "goes with CK_CALIBRATION_IMAGES"),
    ],
)
def test_doors_that_lead_nowhere_are_one_line(
    installed: Sandbox, shapes_tflite: Path, tmp_path: Path, flags: list[str], said: str
) -> None:
    done = installed.ckssd(
        "convert", f"--graph={shapes_tflite / 'tflite_graph.pb'}", f"--output={tmp_path / 'out'}", *flags
    )
    assert done.code in (2, 3, 4), done.text
    assert said in done.text.strip().splitlines()[-1]
    assert "Traceback" not in done.text
    assert not (tmp_path / "out").exists()
