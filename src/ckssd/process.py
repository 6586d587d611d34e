"""Tools that run as processes: read line by line, and stopped when whoever started one gives up."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

LAST_LINES = 15


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


def in_one_line(lines: Iterable[str]) -> str:
    """The lines that are not blank, for an error's one line."""
    return " | ".join(line.strip() for line in lines if line.strip())
