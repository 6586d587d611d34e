"""Folder operations the transaction rests on: exchange, replace, remove.

An exchange (Linux ``renameat2``, macOS ``renamex_np``) swaps two folders in one step, so a reader of the path
sees the old or the new one and never none. Where kernel or file system lack it, two renames do, and
:func:`recover` mends the one moment in which a kill would leave nothing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

AT_FDCWD = -100
# Linux's RENAME_EXCHANGE and macOS's RENAME_SWAP.
EXCHANGE = 2
CANNOT_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})


def replace_folder(new: Path, target: Path, aside: Path) -> Path | None:
    """Make ``new`` the folder ``target``; return where the old one is now, if there was one.

    Parameters
    ----------
    aside
        Where the old folder goes when the two cannot be exchanged; :func:`recover` must be given the
        same path after a crash.

    Raises
    ------
    OSError
        The folders cannot be renamed; ``target`` is as it was.
    """
    if not os.path.lexists(target):
        new.rename(target)
        return None
    if exchange(new, target):
        return new
    target.rename(aside)
    try:
        new.rename(target)
    except BaseException:
        recover(target, aside)
        raise
    return aside


def exchange(one: Path, other: Path) -> bool:
    """Swap two existing folders of one file system in a single step; ``False`` when that is impossible.

    Raises
    ------
    OSError
        The swap failed for another reason.
    """
    paths = os.fsencode(one), os.fsencode(other)
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = system.renamex_np(*paths, EXCHANGE)
        else:
            failed = system.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], EXCHANGE)
    except (OSError, AttributeError):
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in CANNOT_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(one), None, str(other))


def recover(target: Path, aside: Path) -> None:
    """Put the old folder back when :func:`replace_folder` was killed between its two renames."""
    if os.path.lexists(aside) and not os.path.lexists(target):
        aside.rename(target)


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` with all in it, also where folders are read-only; fine when it is not there.

    Raises
    ------
    OSError
        Something in it cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        if os.path.lexists(folder):
            raise
    except PermissionError:
        _make_removable(folder)
        shutil.rmtree(folder)


def _make_removable(folder: Path) -> None:
    folder.chmod(0o700)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            _make_removable(Path(entry.path))
