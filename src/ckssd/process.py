"""Tools that run as processes: read line by line, and stopped when whoever started one gives up."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ckssd import endings
from ckssd.errors import CkssdError, short

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


@contextlib.contextmanager
def running(
    command: Sequence[str],
    env: Mapping[str, str],
    *,
    not_started: Callable[[str], CkssdError],
    cwd: Path | None = None,
    errors_apart: bool = False,
    stop: Callable[[subprocess.Popen[str]], None] = subprocess.Popen.kill,
) -> Iterator[subprocess.Popen[str]]:
    """A tool whose output is text, for as long as the block lasts; nothing can answer a question of its.

    Parameters
    ----------
    not_started
        The error that is raised when it cannot be started, of the system's reason.
    errors_apart
        Whether standard error has a pipe of its own; otherwise it comes in standard output.
    stop
        What ends it if an exception leaves the block; it is waited for in any case.
    """

    def started() -> subprocess.Popen[str]:
        try:
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
        except OSError as error:
            raise not_started(error.strerror or str(error)) from error

    with held(started, stop) as process:
        yield process


@contextlib.contextmanager
def held(
    started: Callable[[], subprocess.Popen[str]], stop: Callable[[subprocess.Popen[str]], None]
) -> Iterator[subprocess.Popen[str]]:
    """The process that ``started`` starts; ``stop`` it if an exception leaves the block, and wait for it.

    A signal that comes while it is being started waits until it is held: else it would be left behind.
    """
    process: subprocess.Popen[str] | None = None
    with contextlib.ExitStack() as ending:
        try:
            with endings.put_off():
                process = ending.enter_context(started())
            yield process
        except BaseException:
            if process is not None:
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
