"""Tools that run as processes, by real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from ckssd.process import in_one_line, running, start

ENDLESS = "import time; print('began', flush=True); time.sleep(600)"
POLITE = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); {ENDLESS}"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ValueError])
@pytest.mark.parametrize(
    ("stop", "end"), [(subprocess.Popen.kill, -signal.SIGKILL), (subprocess.Popen.terminate, 3)]
)
def test_no_process_outlives_whoever_gave_up(
    interruption: type[BaseException], stop: Callable[[subprocess.Popen[str]], None], end: int
) -> None:
    process = start([sys.executable, "-c", POLITE], os.environ)
    assert process.stdout is not None
    assert process.stdout.readline() == "began\n"
    with pytest.raises(interruption), running(process, stop):
        raise interruption
    assert process.returncode == end


def test_errors_come_with_the_output_or_apart() -> None:
    command = [sys.executable, "-c", "import sys; print('out', flush=True); print('err', file=sys.stderr)"]
    together = start(command, os.environ)
    assert together.communicate() == ("out\nerr\n", None)
    assert start(command, os.environ, errors_apart=True).communicate() == ("out\n", "err\n")


def test_a_question_gets_no_answer_and_other_bytes_than_utf_8_do_no_harm() -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff'); input()"
    process = start([sys.executable, "-c", code], os.environ)
    assert "\ufffd" in process.communicate()[0]
    assert process.returncode == 1


def test_lines_for_one_line() -> None:
    assert in_one_line(["  a\n", "", " \n", "b"]) == "a | b"
