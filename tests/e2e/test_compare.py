"""`ckssd compare`: each runtime in its own environment, on the same images, with what decides the numbers."""

from __future__ import annotations

import json

from tests.support.sandbox import Sandbox


def test_litert_and_tensorflow_agree_on_the_built_in_model(installed: Sandbox) -> None:
    done = installed.ckssd(
        *("compare", "--models=shapes", "--runtimes=litert,tensorflow", "--dataset=shapes"),
        *("--rounds=1", "--count=40", "--threads=2", "--json"),
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
    assert data["different"][tensorflow["name"]]["runtime"] == "tensorflow"
    assert data["notes"] == []


def test_what_cannot_be_compared_is_said_before_anything_runs(installed: Sandbox) -> None:
    unknown = installed.ckssd("compare", "--runtimes=litert,onnx")
    assert unknown.code == 2
    assert "Unknown runtime: --runtimes=onnx" in unknown.err
    missing = installed.ckssd("compare", "--models=no-such-model", "--dataset=shapes")
    assert missing.code == 4
    assert "Nothing with these tags is installed: model,tflite,object-detection,no-such-model" in missing.err
    assert installed.ckssd("compare", "--rounds=0").code == 2
