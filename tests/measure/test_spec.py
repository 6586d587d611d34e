"""What a sweep's file says, and the runs that it takes: one for each detector, whatever the thresholds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError, UsageError
from ckssd.measure.spec import Detector, Run, from_mapping, read_spec

WHOLE = """
models = ["shapes", "mine/detect.tflite"]
runtimes = ["litert", "openvino"]
precisions = ["float32", "int8"]
resize = ["pillow", "opencv"]
threads = [1, 2]
score_threshold = "0.1:0.9:0.1"
nms_iou = [0.5, 0.6]
iou = 0.75
count = 100
skip = 5
[dataset]
tags = "shapes"
"""


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(WHOLE)
    spec = read_spec(tmp_path / "sweep.toml")
    assert spec.grid.score_thresholds == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert (spec.grid.nms_ious, spec.grid.iou) == ((0.5, 0.6), 0.75)
    assert (spec.count, spec.skip, spec.data) == (100, 5, {"tags": "shapes"})
    detectors = {run.detector for run in spec.runs()}
    tags = itertools.product(("shapes", "shapes-int8"), ("litert", "openvino"), ("pillow", "opencv"))
    expected = {
        Detector(model, runtime, "int8" if "int8" in model else "float32", resize)
        for model, runtime, resize in tags
    }
    files = {Detector("mine/detect.tflite", "litert", "", resize) for resize in ("pillow", "opencv")}
    assert detectors == expected | files


@given(
    models=st.lists(st.sampled_from(["a", "b", "c.tflite", "d.xml"]), min_size=1, max_size=5),
    runtimes=st.lists(st.sampled_from(["litert", "openvino", "onnx"]), min_size=1, max_size=4),
    resize=st.lists(st.sampled_from(["pillow", "opencv", "tf1"]), min_size=1, max_size=4),
    threads=st.lists(st.integers(1, 8), min_size=1, max_size=4),
)
def test_each_detector_has_one_run_over_all_images(
    models: list[str], runtimes: list[str], resize: list[str], threads: list[int]
) -> None:
    content = {"models": models, "runtimes": runtimes, "resize": resize, "threads": threads}
    runs = from_mapping(content, "x").runs()
    assert len(runs) == len(set(runs))
    whole = [run.detector for run in runs if not run.only_speed]
    assert len(whole) == len(set(whole))
    assert set(whole) == {run.detector for run in runs}
    assert len(runs) == len(whole) * len(set(threads))


def test_what_is_not_said_has_its_default() -> None:
    spec = from_mapping({"models": "shapes", "threads": 2}, "x")
    assert spec.runs() == [Run(Detector("shapes", "litert", "float32", "pillow"), 2)]
    assert len(spec.grid.score_thresholds) == 19


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = ", "no TOML"),
        ("runtimes = ['litert']", "models has no value"),
        ("models = []", "models has no value"),
        ("models = [1]", "models has no value"),
        ("models = ['a']\nmodel = 'b'", "Unknown key: .*: model "),
        ("models = ['a']\nruntimes = ['tvm']", "runtimes has no value"),
        ("models = ['a']\nprecisions = ['int4']", "precisions has no value"),
        ("models = ['a']\nresize = []", "resize has no value"),
        ("models = ['a']\nthreads = [0]", "threads has no value"),
        ("models = ['a']\nscore_threshold = '2'", "score_threshold has no value"),
        ("models = ['a']\niou = 0", "iou has no value"),
        ("models = ['a']\ndataset = 'shapes'", "dataset is no table"),
        ("models = ['a']\n[dataset]\nfolder = 'x'", "Unknown key: .*dataset: folder"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sweep.toml").write_text(text)
    with pytest.raises(CkssdError, match=said) as caught:
        read_spec(tmp_path / "sweep.toml")
    assert isinstance(caught.value, (InputError, UsageError))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_spec(tmp_path / "none.toml")
