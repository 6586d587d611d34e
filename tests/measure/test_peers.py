"""The plain loop around a contender's library finds what ours does, and its record stands beside ours."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from ckssd.errors import RunError
from ckssd.measure.compare import Contender, compare
from ckssd.measure.comparison_table import table
from ckssd.measure.peers import Peer, peer_of
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import from_environment
from ckssd.model.description import Model
from tests.graph.test_without_postprocessing import made
from tests.measure.conftest import Bench
from tests.onnx.tiny_graph import write_whole

HERE = Path(sys.executable)
OURS = Contender("litert tiny", "litert", "tiny")


def peer(bench: Bench, **variables: str) -> Peer:
    made = peer_of(OURS, HERE, from_environment({**bench.environment, **variables}))
    assert made is not None
    return made


def test_the_loop_finds_what_our_run_finds(bench: Bench, tmp_path: Path) -> None:
    record = peer(bench).run("latency", tmp_path)
    ours = run_benchmark(from_environment(bench.environment)).as_timer()
    assert (record["mAP"], record["recall"]) == (ours["mAP"], ours["recall"])
    assert record["detections"] == ours["detections"] > 20
    assert record["settings"]["postprocessed_by"].startswith("a plain loop")
    assert record["settings"]["versions"]["ai-edge-litert"] == ours["settings"]["versions"]["ai-edge-litert"]


def test_both_stand_in_one_comparison(bench: Bench, tmp_path: Path) -> None:
    plain = peer(bench)
    ours = run_benchmark(from_environment(bench.environment)).as_timer()
    records = {
        OURS: {"latency": [ours], "throughput": [ours]},
        plain.contender: {mode: [plain.run(mode, tmp_path)] for mode in ("latency", "throughput")},
    }
    found = compare(records)
    one, other = found.rows
    assert one["mAP"] == other["mAP"]
    assert other["name"] == "litert tiny, plain loop"
    assert 0 < other["latency_median_s"] <= other["latency_p99_s"]
    assert other["start_to_first_detection_s"] > other["load_s"] > 0
    assert other["peak_memory_latency_mb"] > 10
    assert "plain loop" in table(found)


def test_only_the_images_that_are_asked_for_are_run(bench: Bench, tmp_path: Path) -> None:
    assert peer(bench, CK_BATCH_COUNT="3").run("latency", tmp_path)["settings"]["images"] == 3


def test_a_network_without_nms_has_no_plain_loop(bench: Bench, tmp_path: Path) -> None:
    settings = from_environment(bench.environment)
    raw = dataclasses.replace(settings, model=dataclasses.replace(settings.model, nms="none"))
    assert peer_of(OURS, HERE, raw) is None
    model = dataclasses.replace(
        settings.model, runtime="onnx", nms="none", file=tmp_path / "model_no_nms.onnx"
    )
    network = dataclasses.replace(settings, model=model)
    assert peer_of(OURS, HERE, network) is None
    write_whole(tmp_path / "model.onnx")
    beside = peer_of(OURS, HERE, network)
    assert beside is not None
    assert beside.model.name == "model.onnx"


def test_an_ir_without_postprocessing_has_no_plain_loop(bench: Bench, tmp_path: Path) -> None:
    settings = from_environment(bench.environment)
    for kind, there in (("detection_output", True), ("none", False)):
        ir = made(tmp_path, kind)
        described = dataclasses.replace(settings, model=Model("openvino", ir))
        assert (peer_of(OURS, HERE, described) is not None) == there


def test_whole_onnx_graphs_are_read_as_by_us(bench: Bench, tmp_path: Path) -> None:
    settings = from_environment(bench.environment)
    whole = write_whole(tmp_path / "model.onnx")
    record = Peer(OURS, "onnx", HERE, whole, settings).run("latency", tmp_path)
    assert record["detections"] == 2 * record["settings"]["images"], "the third is not valid"


def test_a_library_that_does_not_read_the_model_is_one_line(bench: Bench, tmp_path: Path) -> None:
    broken = bench.model / "detect_regular_nms.tflite"
    plain = peer(bench)
    broken.write_bytes(b"no model")
    with pytest.raises(RunError, match=r"The loop of litert tiny, plain loop failed: .*\.tflite") as caught:
        plain.check(tmp_path)
    assert "\n" not in str(caught.value)
