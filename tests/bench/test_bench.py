"""The benchmark's contenders are told what a run takes; and with one round and few images, they run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import report
from bench.context import MODEL, Context
from bench.int8 import settings_of
from ckssd.measure.settings import from_mapping
from tests.support.sandbox import CHECKOUT, Sandbox


@pytest.fixture
def context(tmp_path: Path) -> Context:
    made = Context(tmp_path, tmp_path, rounds=1)
    (tmp_path / "images").mkdir()
    for name in ("graph.tflite", "labelmap.pbtxt", "instances.json", "python"):
        (tmp_path / name).touch()
    graphs = (f"{MODEL}TFLITE_GRAPH_REGULAR_NMS", f"{MODEL}LABELMAP_FILE")
    made.__dict__["full_size"] = dict(
        zip(graphs, map(str, (tmp_path / "graph.tflite", tmp_path / "labelmap.pbtxt")))
    )
    made.__dict__["coco_python"] = tmp_path / "python"
    return made


def test_a_contender_is_told_what_a_run_takes(context: Context) -> None:
    assert from_mapping(context.settings(mode="latency", batch_count=1)).model.file.name == "graph.tflite"
    quantised = from_mapping(settings_of(context, "tflite", context.full_size, resize="opencv"))
    assert (quantised.model.runtime, quantised.resize) == ("litert", "opencv")


@pytest.fixture(scope="module")
def home(shared: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One of their own, because parts install what they need."""
    made = Sandbox(tmp_path_factory.mktemp("bench") / "a ck home", tools=shared)
    yield made
    made.remove()


@pytest.mark.full
@pytest.mark.parametrize("part", ["startup", "latency", "decoding", "nms", "plain"])
def test_a_part_runs(home: Sandbox, part: str) -> None:
    words = ("-m", "bench.run", "--parts", part, "--rounds", "1", "--images", "4")
    done = subprocess.run(
        [sys.executable, *words],
        cwd=CHECKOUT,
        env=home.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.full
@pytest.mark.slow(seconds=40)
def test_a_report_of_coco_s_size_is_small(
    installed: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "environment", lambda: installed.environment)
    run, place = report.make_run(tmp_path, 40), tmp_path / "report.html"
    _, memory = report.measure(run, place)  # how long it takes depends on what else runs
    assert memory < report.MOST_MEBIBYTES
    assert place.stat().st_size < report.MOST_BYTES
    assert 40 < place.read_text().count("data:image/webp") <= 60
