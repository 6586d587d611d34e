"""Tools that run as processes: read line by line, and stopped when whoever started one gives up."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ckssd.errors import short

LAST_LINES = 15
MOST_OF_A_REASON = 400
_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_MODULE = re.compile(r"^(\w+\.)+(?=\w+:)")
_TELLS_NOTHING = "Graph execution error:"
# What TensorFlow and its libraries log in the usual course of things.
_INFORMING = re.compile(
    r"WARNING: All log messages before absl::|I\d{4} |\d{4}-\d\d-\d\d [\d:., ]+I |(INFO|DEBUG)[: ]"
)
# None of these says why a process failed either.
_LOGGED = re.compile(r"[WEF]\d{4} |\d{4}-\d\d-\d\d [\d:., ]+[WEF] |WARNING[: ]|\S+:\d+: \w*Warning: ")


def start(
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: Path | None = None,
    errors_apart: bool = False,
) -> subprocess.Popen[str]:
    """Start a tool whose output is text; nothing can answer a question of its.

    Parameters
    ----------
    errors_apart
        Whether standard error has a pipe of its own; otherwise it comes in standard output.

    Raises
    ------
    OSError
        It cannot be started; what that means, the caller knows.
    """
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if errors_apart else subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


@contextlib.contextmanager
def running(
    process: subprocess.Popen[str], stop: Callable[[subprocess.Popen[str]], None] = subprocess.Popen.kill
) -> Iterator[None]:
    """Wait for the process at the end of the block; ``stop`` it first if an exception leaves the block."""
    with process:
        try:
            yield
        except BaseException:
            stop(process)
            raise


def reason_in(lines: Iterable[str]) -> str:
    """Why a tool failed, from what it printed: its exception's message, else the last line that counts.

    Of exceptions that followed one another it is the first, which is the cause, and the last.

    Parameters
    ----------
    lines
        Its output, unstripped: frames of Python's tracebacks are indented, messages are not.

    Returns
    -------
    str
        One line; empty where there is nothing but logging.
    """
    last = ""
    messages: list[str] = []
    frames = chained = False
    for line in lines:
        if line.startswith(_TRACEBACK):
            messages = messages if chained else []
            frames, chained = True, False
        elif line.startswith(_CHAINED):
            chained = True
        elif line.strip() and not line[0].isspace() and not _is_logging(line):
            last = line
            if frames:
                messages.append(_MODULE.sub("", line))
                frames = False
    telling = [each for each in dict.fromkeys(messages) if not each.strip().endswith(_TELLS_NOTHING)]
    return short(in_one_line([*telling[:1], *telling[1:][-1:]] or [last]), MOST_OF_A_REASON)


def only_informs(line: str) -> bool:
    """Whether a line is of a library's log and tells nothing that a person could act on."""
    return _INFORMING.match(line) is not None


def _is_logging(line: str) -> bool:
    return only_informs(line) or _LOGGED.match(line) is not None


def in_one_line(lines: Iterable[str]) -> str:
    """The lines that are not blank, for an error's one line."""
    return " | ".join(line.strip() for line in lines if line.strip())
