"""Staging folders: files are made beside the place where they will stand, and become real by a rename.

A staging folder is locked as long as its process lives: what a killed one left is known by its lock being
free, and the next that stages the same there removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import EnvironmentSetupError

PREFIX = ".ckssd-"


@contextlib.contextmanager
def staging_folder(folder: Path, name: str) -> Iterator[Path]:
    """Give a new hidden folder in ``folder``, which is made if missing; it is gone at the end.

    Parameters
    ----------
    name
        Of what is made in it; what killed processes left of the same name is removed.

    Raises
    ------
    EnvironmentSetupError
        If ``folder`` cannot be made or written to.
    """
    prefix = f"{PREFIX}{name}-"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder, prefix)
        staging, handle = _made_and_locked(folder, prefix)
    except OSError as error:
        raise EnvironmentSetupError(
            "The folder cannot be written to", where=folder, got=error.strerror
        ) from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(handle)


def _made_and_locked(folder: Path, prefix: str) -> tuple[Path, int]:
    """Another process may take a folder for abandoned before it is locked: then there is a next one."""
    while True:
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(staging, os.O_RDONLY | os.O_CLOEXEC)
            with contextlib.suppress(OSError):  # a file system without locks: others cannot lock it either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if staging.exists():
                return staging, handle
            os.close(handle)


def _remove_abandoned(folder: Path, prefix: str) -> None:
    for entry in folder.iterdir():
        if not entry.name.startswith(prefix):
            continue
        with contextlib.suppress(OSError):  # somebody's who lives, or removed it meanwhile
            handle = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry, ignore_errors=True)
            finally:
                os.close(handle)
