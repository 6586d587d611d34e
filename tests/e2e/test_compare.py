"""`ckssd compare`: each runtime in its own environment, on the same images, with what decides the numbers."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.sandbox import Done, Sandbox


def test_litert_and_tensorflow_agree_on_the_built_in_model(installed: Sandbox) -> None:
    done = installed.ckssd(
        *("compare", "--models=shapes", "--runtimes=litert,tensorflow", "--dataset=shapes"),
        *("--rounds=1", "--count=40", "--threads=2", "--json", "--report=compared.html"),
    )
    assert done.code == 0, done.text
    data = json.loads(done.out)["data"]
    litert, tensorflow = data["rows"]
    assert abs(litert["mAP"] - tensorflow["mAP"]) < 0.01
    for row in data["rows"]:
        assert 0 < row["latency_median_s"] <= row["latency_p90_s"] <= row["latency_p99_s"]
        assert row["images_per_second"] > 0
        assert row["start_to_first_detection_s"] > row["load_s"] > 0
        assert row["peak_memory_latency_mb"] > 10
    assert litert["peak_memory_latency_mb"] < tensorflow["peak_memory_latency_mb"]
    assert data["common"]["images"] == 40
    assert data["common"]["decoder"] == "simplejpeg"
    assert {run["mAP"] for run in data["runs"]} == {litert["mAP"], tensorflow["mAP"]}
    assert data["different"][tensorflow["name"]]["runtime"] == "tensorflow"
    assert data["notes"] == []
    check_report((installed.folder / "compared.html").read_text(), data["rows"])


def check_report(page: str, rows: list[dict[str, Any]]) -> None:
    """The report has the medians of the comparison, and intervals from the detections of each contender."""
    (text,) = re.findall(r'id="report-data">(.*?)</script>', page)
    report = json.loads(text)
    shown = report["comparison"]["rows"]
    for name in ("name", "mAP", "images_per_second", "latency_median_s"):
        assert [row[name] for row in shown] == [row[name] for row in rows]
    assert report["comparison"]["intervals"]["images"] == 40
    assert [run["accuracy"]["metrics"]["AP"] for run in report["runs"]] == [row["mAP"] for row in rows]


def refused(installed: Sandbox, *flags: str, **variables: str) -> Done:
    done = installed.ckssd(
        "compare", "--models=shapes", "--dataset=shapes", "--rounds=1", *flags, **variables
    )
    assert done.code != 0, done.text
    assert "Traceback" not in done.text
    assert ", throughput" not in done.err, "nothing was measured"
    return done


def test_what_cannot_be_compared_is_said_before_anything_is_measured(installed: Sandbox) -> None:
    missing = refused(installed, "--models=no-such-model")
    assert missing.code == 4
    assert "Nothing with these tags is installed: model,tflite,object-detection,no-such-model" in missing.err
    twice = refused(installed, "--models", "shapes", "shapes,tflite")
    assert "Two contenders are the same run" in twice.err
    assert "DontCare areas" in refused(installed, "--metric-type=kitti").err
    kept = refused(installed, CK_PREPROCESSED_CACHE=str(installed.folder / "kept images"))
    assert "CK_PREPROCESSED_CACHE" in kept.err
    assert not (installed.folder / "kept images").exists()


def test_each_is_checked_before_the_first_is_measured(installed: Sandbox) -> None:
    done = refused(installed, "--runtimes=litert,openvino", "--env=CK_ENV_OPENVINO_MODEL_IMAGE_WIDTH=299")
    assert "The image size does not fit the model" in done.err
    assert "==> litert ssd_mobilenet_v1_shapes shapes regular, check" in done.err


def test_a_variable_of_the_command_line_goes_before_the_models_own(installed: Sandbox) -> None:
    variable = "CK_ENV_TENSORFLOW_MODEL_LABELMAP_FILE"
    done = refused(installed, f"--env={variable}=no-such-labels.pbtxt")
    assert f"{variable} has no value that can be used" in done.err
    assert "no-such-labels.pbtxt" in done.err
