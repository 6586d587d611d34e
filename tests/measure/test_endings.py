"""A benchmark that is given up ends at once, with its workers, in one line, and leaves no folder behind."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.measure.conftest import Bench
from tests.support.processes import Started, StopAt, wait_for

# A command line that starts the benchmark as a worker, which starts the metrics as one of its own.
COMMAND = """
import sys
from pathlib import Path
from ckssd.endings import run_main
from ckssd.worker import run_worker
work = lambda: run_worker(Path(sys.executable), "ckssd.measure", ["--settings", sys.argv[1]]) and 0
sys.exit(run_main("a command", work))
"""


@pytest.fixture
def settings(bench: Bench) -> Path:
    path = bench.folder / "settings.json"
    content = {
        "model": {
            "runtime": "litert",
            "file": str(bench.model / "detect_regular_nms.tflite"),
            "labels": str(bench.model / "labelmap.pbtxt"),
        },
        "images": str(bench.images),
        "annotations": str(bench.annotations),
        "metrics_python": str(endless_metrics(bench.folder)),
        "threads": 2,
        "silent": True,
    }
    path.write_text(json.dumps(content))
    return path


def endless_metrics(folder: Path) -> Path:
    """A metrics tool that never ends; ``metrics.pid`` beside it says that it began."""
    python = folder / "python"
    python.write_text('#!/bin/sh\necho $$ > "$(dirname "$0")/metrics.pid"\nexec sleep 600\n')
    python.chmod(0o755)
    return python


def has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def end_of(started: Started) -> tuple[int, list[str]]:
    """Exit code, and the lines that are not LiteRT's own about its delegate."""
    code, said = started.finish()
    return code, [line for line in said.splitlines() if not line.startswith("INFO: Created TensorFlow Lite")]


@pytest.mark.parametrize("to_all", [True, False], ids=["Ctrl-C", "SIGTERM of the parent"])
def test_nothing_is_left_of_workers_of_workers(settings: Path, tmp_path: Path, to_all: bool) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    started = Started([sys.executable, "-c", COMMAND, str(settings)], environment, tmp_path)
    written = settings.with_name("metrics.pid")
    wait_for(lambda: written.exists() and written.read_text().endswith("\n"))
    if to_all:
        started.signal(signal.SIGINT)  # as a terminal does
        assert end_of(started) == (130, ["a command: interrupted"])
    else:
        os.kill(started.process_id, signal.SIGTERM)
        assert end_of(started) == (143, [])
    assert has_ended(int(written.read_text()))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("program", ["ckssd.measure", "program"])
def test_ctrl_c_while_images_run_is_one_line(
    bench: Bench, settings: Path, tmp_path: Path, program: str
) -> None:
    command = [sys.executable, "-m", "ckssd.measure", "--settings", str(settings), "--output", "out.json"]
    if program == "program":
        code = "import os, sys; from ckssd.measure.program import main; sys.exit(main(os.environ))"
        command = [sys.executable, "-c", code]
    environment = {**os.environ, **bench.environment, **StopAt("open", r"b5\.png").variables()}
    started = Started(command, environment, tmp_path)
    started.wait_until_stopped()
    started.signal(signal.SIGINT)
    started.go_on()
    name = "FAILED" if program == "program" else "ckssd benchmark"
    assert end_of(started) == (130, [f"{name}: interrupted"])
    assert list(tmp_path.glob("*.json")) == []
