"""Locks between processes: the operating system's own, so a killed holder never blocks anyone.

A small file beside the lock names the holder, only so that a waiting process can say whom it waits for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import EnvironmentSetupError
from ckssd.report import say


@contextlib.contextmanager
def held_lock(path: Path, purpose: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file ``path`` while the block runs.

    Parameters
    ----------
    path
        The lock file; its folder is made. The file stays afterwards: removing it would let two
        processes hold "the same" lock on two different files.
    purpose
        What it is held for, shown to those who wait.
    wait
        Wait for another holder (saying so). With ``False`` the block runs at once and is given
        ``False`` when somebody else holds the lock.

    Yields
    ------
    bool
        Whether the lock is held.

    Raises
    ------
    EnvironmentSetupError
        The lock file cannot be made, or its file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _impossible(path, error) from error
    holder = _holder_file(path)
    held = False
    try:
        held = _acquire(handle, path, purpose, wait)
        if held:
            with contextlib.suppress(OSError):
                holder.write_text(str(os.getpid()), encoding="ascii")
        yield held
    finally:
        if held:
            with contextlib.suppress(OSError):
                holder.unlink()
        os.close(handle)  # gives up the lock


def _acquire(handle: int, path: Path, purpose: str, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        pass  # somebody else holds it
    except OSError as error:
        raise _impossible(path, error) from error
    if wait:
        pid = holder_of(path)
        who = f"process {pid}" if pid is not None else "another process"
        say(f"waiting for {who}, which is busy with {purpose}")
        fcntl.flock(handle, fcntl.LOCK_EX)
    return wait


def _impossible(path: Path, error: OSError) -> EnvironmentSetupError:
    return EnvironmentSetupError("a lock file cannot be made", where=path, got=error.strerror or str(error))


def holder_of(path: Path) -> int | None:
    """Process id of the living process that says it holds the lock file ``path``, or ``None``."""
    try:
        pid = int(_holder_file(path).read_text(encoding="ascii"))
        os.kill(pid, 0)
    except (OSError, ValueError, OverflowError):
        return None
    return pid


def _holder_file(path: Path) -> Path:
    return path.with_name(path.name + ".holder")
