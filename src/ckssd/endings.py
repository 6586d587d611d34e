"""How a process of ours ends early: an error, Ctrl-C or a signal ends it in order, with one line at most.

Cleaning up (temporary folders, worker processes) is done by ``finally`` and context managers, so whatever
ends a process passes through them as an exception, and only once: a second signal is ignored.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from ckssd.errors import CkssdError
from ckssd.report import failed, say

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 128 + signal.SIGINT

# Signals that have come while ending was put off; None: it is not.
_waiting: list[int] | None = None


def run_main(
    name: str,
    work: Callable[[], int],
    on_error: Callable[[CkssdError], int] | None = None,
    error_file: Path | None = None,
) -> int:
    """Run a program's work and return the exit code; the one place where errors and Ctrl-C become lines.

    Parameters
    ----------
    name
        What the line of an error or an interruption begins with.
    on_error
        What is done about an error; default: one line, or JSON in ``error_file``, see ckssd.report.failed.
    """
    undo = catch_ending_signals()
    try:
        return work()
    except CkssdError as error:
        return on_error(error) if on_error else failed(error, name, error_file)
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        return INTERRUPTED
    finally:
        undo()


def catch_ending_signals() -> Callable[[], None]:
    """Let SIGINT, SIGTERM and SIGHUP end the process by way of the cleanup; return what undoes this.

    A handler that somebody else has set stays, and outside the main thread signals cannot be caught.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    ours = {
        number: handler
        for number, handler in before.items()
        if handler in (signal.SIG_DFL, signal.default_int_handler)
    }
    for number in ours:
        signal.signal(number, _end)

    def undo() -> None:
        for number, handler in ours.items():
            if signal.getsignal(number) is _end:  # else it has come, and the process is about to end
                signal.signal(number, handler)

    return undo


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Let a signal that comes inside the block end the process at the block's end.

    For the few lines between the start of something and the place where its end is sure: a process that is
    being started would be left behind, since nobody holds it yet. Only what ``catch_ending_signals`` catches
    waits, and only in the main thread, where signals are handled.
    """
    global _waiting  # signal handlers are of the whole process, and so is this
    if _waiting is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _waiting = []
    try:
        yield
    finally:
        came, _waiting = _waiting, None
        if came:
            _end(came[0], None)


def _end(number: int, _: FrameType | None) -> Any:
    if _waiting is not None:
        _waiting.append(number)
        return
    for each in ENDING_SIGNALS:
        if signal.getsignal(each) is _end:
            signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
