"""Ctrl-C, signals and errors end a real process in order, with one line at most."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from ckssd.endings import run_main
from ckssd.errors import InputError, UsageError
from tests.support.processes import Started

# Ends itself by the signal argv[1], twice: the second one comes while it cleans up.
PROGRAM = """
import os, sys, time
from ckssd.endings import run_main
def work():
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(60)
    finally:
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0.01)
        print("cleaned up", flush=True)
code = run_main("a program", work)
os.kill(os.getpid(), int(sys.argv[1]))
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGINT, 130, "a program: interrupted\n"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGHUP, 129, ""),
    ],
)
def test_a_signal_ends_a_program_once_and_by_way_of_its_cleanup(
    tmp_path: Path, number: int, code: int, line: str
) -> None:
    started = Started([sys.executable, "-c", PROGRAM, str(int(number))], os.environ, tmp_path)
    assert started.finish() == (code, f"cleaned up\n{line}")


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    code = (
        "import os, signal; from ckssd.endings import run_main; "
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "raise SystemExit(run_main('x', lambda: os.kill(os.getpid(), signal.SIGHUP) or 7))"
    )
    assert Started([sys.executable, "-c", code], os.environ, tmp_path).finish() == (7, "")


def test_an_error_becomes_a_line_or_a_file_and_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise UsageError("That is wrong")

    before = signal.getsignal(signal.SIGTERM)
    assert run_main("a program", fail) == 2
    assert capsys.readouterr().err == "a program: That is wrong\n"
    assert run_main("a program", fail, error_file=tmp_path / "error.json") == 2
    assert capsys.readouterr().err == ""
    assert (tmp_path / "error.json").exists()
    assert run_main("a program", fail, on_error=lambda error: InputError.exit_code) == 3
    assert signal.getsignal(signal.SIGTERM) is before
