"""What a node keeps between runs: the files of jobs, and environments that it made of a lock.

Each is a folder with a lock beside it. Who uses a folder holds its lock together with others, who makes or
removes it holds it alone; the operating system gives up the lock of a process that is gone. A folder is whole
when the file ``whole`` is in it, which also tells when it was last used.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

JOB, PYTHON = "job", "python"
MOST_JOBS = 8
UNUSED_S = 30 * 86400.0
WHOLE = "whole"
LOCK = ".lock"


def cache_folder() -> Path:
    """Where all of it is; need not exist."""
    given = os.environ.get("CKSSD_CACHE", "")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ckssd")
    return Path(given or base, "cluster")


@dataclass(frozen=True)
class Kept:
    """A folder of the cache; ``used``: seconds since 1970, 0 for one that is not whole."""

    path: Path
    used: float

    @property
    def kind(self) -> str:
        """What it is."""
        return PYTHON if self.path.name.startswith(PYTHON) else JOB

    @property
    def in_use(self) -> bool:
        """Whether somebody uses or makes it now."""
        try:
            _lock(self.path, fcntl.LOCK_EX | fcntl.LOCK_NB).close()
        except BlockingIOError:
            return True
        return False

    def size(self) -> int:
        """Bytes of all its files."""
        sizes = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with contextlib.suppress(OSError):  # it is being removed
                    sizes += Path(folder, name).lstat().st_size
        return sizes


def use(place: Path, make: Callable[[Path], None]) -> IO[str]:
    """Have the folder, which ``make`` fills if it is not there whole; return what to close after use.

    What nobody needs any more goes when a new one was made.
    """
    made = False
    while True:
        lock = _lock(place, fcntl.LOCK_SH)
        if (place / WHOLE).exists():
            os.utime(place / WHOLE)
            break
        lock.close()
        with _lock(place, fcntl.LOCK_EX):
            if not (place / WHOLE).exists():
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                make(place)
                (place / WHOLE).touch()
                made = True
    if made:
        with contextlib.suppress(OSError):  # no reason to do without what was made
            prune(place.parent)
    return lock


def prune(folder: Path, most_jobs: int | None = MOST_JOBS, unused_s: float = UNUSED_S) -> list[Kept]:
    """Remove what nobody used for so long, and all but the newest jobs; return what went.

    What is in use stays, whatever its age. What was left half made goes.
    """
    removed, jobs = [], 0
    for one in kept(folder):
        jobs += one.kind == JOB
        too_many = most_jobs is not None and one.kind == JOB and jobs > most_jobs
        if (too_many or one.used <= time.time() - unused_s) and _remove(one.path):
            removed.append(one)
    return removed


def kept(folder: Path) -> list[Kept]:
    """All that the cache has, what was used last first."""
    names = {path.name.removesuffix(LOCK) for path in folder.glob("*") if path.is_dir() or _is_lock(path)}
    found = []
    for name in sorted(names):
        used = 0.0
        with contextlib.suppress(OSError):
            used = (folder / name / WHOLE).stat().st_mtime
        found.append(Kept(folder / name, used))
    return sorted(found, key=lambda one: -one.used)


def _is_lock(path: Path) -> bool:
    return path.name.endswith(LOCK)


def _remove(place: Path) -> bool:
    try:
        lock = _lock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    with lock:
        (place / WHOLE).unlink(missing_ok=True)  # first: half a folder is not taken for a whole one
        shutil.rmtree(place, ignore_errors=True)
        _lock_of(place).unlink(missing_ok=True)
    return True


def _lock(place: Path, how: int) -> IO[str]:
    """The lock of a folder, held until it is closed; raises a BlockingIOError if it would have to wait."""
    place.parent.mkdir(parents=True, exist_ok=True)
    path = _lock_of(place)
    while True:
        lock = path.open("a+")
        try:
            fcntl.flock(lock, how)
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            lock.close()
            raise
        lock.close()  # it was removed with its folder while this waited


def _lock_of(place: Path) -> Path:
    return place.with_name(place.name + LOCK)
