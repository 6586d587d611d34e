"""What goes wrong while the real LoadGen runs ends in one clear line within seconds, and nothing is kept.

Each run is a process of its own, whose Python is a script here that breaks one thing before it begins.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckssd.errors import CkssdError, EnvironmentSetupError, InputError, RunError, UsageError
from ckssd.loadgen.settings import as_mapping
from tests.loadgen.conftest import Run
from tests.support.sandbox import CHECKOUT

pytestmark = pytest.mark.slow(seconds=40)

# Some minutes by LoadGen's plan: the model is far faster than what it is told to expect.
LONG = {"CK_LOADGEN_MIN_DURATION_S": "600", "CK_LOADGEN_TARGET_LATENCY": "5", "CK_LOADGEN_TARGET_QPS": "400"}
WITHIN_S = 20  # on a busy machine; of it, the begin takes two


def broken(folder: Path, lines: str) -> Path:
    """An interpreter that runs these lines first; ``after(n)`` is true from the n-th detection on."""
    script = folder / "broken.py"
    begin = """
        import itertools, os, runpy, sys, time
        from ckssd.detect.litert import LiteRTDetector
        from ckssd.loadgen.driver import Driver
        from ckssd.loadgen.measured import measure
        import ckssd.loadgen.worker as worker
        def measured(*arguments):
            found = measure(*arguments)
            begin()  # what comes now, LoadGen asks for
            return found
        worker.measure = measured
        detect = LiteRTDetector.detect
    """
    end = """
        sys.argv = ["ckssd.loadgen", *sys.argv[3:]]
        runpy.run_module("ckssd.loadgen", run_name="__main__", alter_sys=False)
    """
    script.write_text("\n".join(textwrap.dedent(part) for part in (begin, lines, end)))
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    python.chmod(0o755)
    return python


def detecting(what: str) -> str:
    """Lines after which the fourth detection for LoadGen does something else."""
    return f"""
count = itertools.count()
def broken(self, image):
    if next(count) == 3:
        {what}
    return detect(self, image)
def begin():
    LiteRTDetector.detect = broken
"""


@pytest.fixture
def quickly() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < WITHIN_S


def nothing_is_kept(run: Run) -> bool:
    return not run.output.exists() or not [*run.output.iterdir()]


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("scenario", ["SingleStream", "Offline"])
@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        (
            "raise KeyError('no such tensor')",
            RunError,
            "An answer to LoadGen fails.*KeyError: 'no such tensor'",
        ),
        (
            "raise RuntimeError('delegate lost')",
            RunError,
            r"The runtime fails: .*\.png \(got delegate lost\)",
        ),
        ("os.kill(os.getpid(), 11)", RunError, "A worker process died: ckssd.loadgen .*signal 11"),
        ("raise SystemExit(0)", RunError, "An answer to LoadGen fails.*SystemExit"),
    ],
)
def test_an_answer_that_fails(
    loadgen: Run, folder: Path, what: str, kind: type[CkssdError], said: str, scenario: str
) -> None:
    with pytest.raises(kind, match=said):
        loadgen.run(broken(folder, detecting(what)), CK_LOADGEN_SCENARIO=scenario, **LONG)
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("scenario", ["SingleStream", "Server"])
def test_an_answer_that_is_lost(loadgen: Run, folder: Path, scenario: str) -> None:
    python = broken(folder, detecting("time.sleep(600)"))
    with pytest.raises(
        RunError, match=r"An answer to LoadGen is missing \(expected within 1 s, got none for 1"
    ):
        loadgen.run(
            python,
            CK_LOADGEN_SCENARIO=scenario,
            CK_LOADGEN_ANSWER_WITHIN_S="1",
            CK_HOST_CPU_NUMBER_OF_PROCESSORS="1",
        )
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("content", [b"no picture", None])
def test_a_picture_that_cannot_be_read(loadgen: Run, content: bytes | None) -> None:
    picture = loadgen.bench.images / "b5.png"
    if content is None:
        picture.unlink()
    else:
        picture.write_bytes(content)
    with pytest.raises(InputError, match=r"b5\.png"):
        loadgen.run(CK_LOADGEN_MODE="AccuracyOnly")
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
def test_a_picture_that_breaks_when_loadgen_asks_for_it(loadgen: Run, folder: Path) -> None:
    picture = loadgen.bench.images / "b5.png"
    python = broken(folder, f"def begin():\n    open({str(picture)!r}, 'w').close()\n")
    with pytest.raises(InputError, match=r"b5\.png"):
        loadgen.run(python)
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
def test_a_key_that_is_misspelt(loadgen: Run, folder: Path) -> None:
    conf = folder / "user.conf"
    conf.write_text("*.SingleStream.target_latancy = 5\n")
    with pytest.raises(
        InputError, match=r"no such key: .*user\.conf:1 \(expected target_latency, got target_latancy"
    ):
        loadgen.run(CK_LOADGEN_USER_CONF=str(conf))
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("mode", ["AccuracyOnly", "PerformanceOnly"])
def test_a_disk_that_is_full_while_loadgen_writes(loadgen: Run, folder: Path, mode: str) -> None:
    """A limit on the size of files: LoadGen's stream fails as on a full disk, and LoadGen says nothing."""
    limit = f"""
import resource, signal
def begin():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, {resource.RLIM_INFINITY}))
"""
    with pytest.raises(
        EnvironmentSetupError, match=r"LoadGen's logs are not whole: .*mlperf_log_\w+\.(txt|json)"
    ):
        loadgen.run(broken(folder, limit), CK_LOADGEN_MODE=mode)
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
def test_a_disk_without_room_ends_a_long_run(loadgen: Run, folder: Path) -> None:
    full = "def begin():\n    import ckssd.loadgen.watch as watch\n    watch.LEAST_BYTES = 1 << 60\n"
    with pytest.raises(EnvironmentSetupError, match="The disk is full"):
        loadgen.run(broken(folder, full), **LONG)
    assert nothing_is_kept(loadgen)


@pytest.mark.usefixtures("quickly")
def test_ctrl_c_is_one_line(loadgen: Run, folder: Path) -> None:
    described = folder / "settings.json"
    described.write_text(json.dumps(as_mapping(loadgen.settings(**LONG))))
    code = """
import json, sys
from pathlib import Path
from ckssd.endings import run_main
from ckssd.loadgen.conduct import conduct
from ckssd.loadgen.settings import from_mapping
settings = from_mapping(json.loads(Path(sys.argv[1]).read_text()))
sys.exit(run_main("ckssd loadgen", lambda: conduct(Path(sys.executable), settings, Path(sys.argv[2])) and 0))
"""
    started = subprocess.Popen(
        [sys.executable, "-c", code, str(described), str(loadgen.output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin"},
    )
    while not [*loadgen.output.glob(".ckssd-*/mlperf_log_detail.txt")]:
        assert started.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    started.send_signal(signal.SIGINT)
    out, _ = started.communicate(timeout=WITHIN_S)
    assert (started.returncode, out.strip().splitlines()[-1:]) == (130, ["ckssd loadgen: interrupted"])
    assert nothing_is_kept(loadgen)


def test_more_queries_than_memory_holds_are_refused(loadgen: Run) -> None:
    with pytest.raises(
        UsageError, match=r"LoadGen would prepare 240000000 samples at once \(expected at most"
    ):
        loadgen.run(CK_LOADGEN_MIN_DURATION_S="1200", CK_LOADGEN_TARGET_LATENCY="0.01")
    assert nothing_is_kept(loadgen)
