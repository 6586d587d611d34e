"""What a person sees of long work on a terminal: a bar, or plain lines where the interpreter has no tqdm."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

WORK = {
    "items": "assert list(report.progress([1, 2, 3], total=3, name='detecting')) == [1, 2, 3]",
    "bytes": "with report.ByteProgress('detecting', 10) as shown: shown.at(4); shown.at(10)",
}
WITHOUT_TQDM = "import sys; sys.modules['tqdm'] = None\n"  # what an import of a missing module meets


def on_a_terminal(script: str) -> tuple[int, str]:
    """Exit code of another interpreter, and what it printed on a terminal."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made here: {error}")
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))  # rows, columns
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        command = [sys.executable, "-c", script]
        started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's word for a terminal whose other end is closed
            while block := terminal.read(4096):
                shown += block
    return started.wait(), shown.decode()


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_terminal_shows_a_bar(work: str) -> None:
    code, shown = on_a_terminal(f"from ckssd import report\n{work}")
    assert code == 0, shown
    assert "100%" in shown


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_without_tqdm_a_terminal_shows_lines(work: str) -> None:
    code, shown = on_a_terminal(f"{WITHOUT_TQDM}from ckssd import report\n{work}")
    assert code == 0, shown
    assert shown.startswith("detecting: ")
    assert "%" not in shown
