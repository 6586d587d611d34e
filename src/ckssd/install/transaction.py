"""The install transaction: lock, staging folder, provenance last, one rename.

Everything happens in ``PARENT/.ckssd/NAME/`` beside the target, hence on its file system. Whoever holds the
lock knows that any other staging folder there is of a dead process, and removes it. A folder is an
installation if and only if its ``provenance.json`` says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from ckssd.endings import catch_ending_signals
from ckssd.errors import EnvironmentSetupError, InputError, UsageError
from ckssd.fetch.locking import held_lock
from ckssd.install.folders import recover, remove_tree, replace_folder
from ckssd.install.identity import Identity
from ckssd.install.provenance import (
    NOT_OURS,
    Provenance,
    manifest,
    read_provenance,
    sync_folder,
    write_provenance,
)
from ckssd.report import say

WORK_FOLDER = ".ckssd"
STAGING_PREFIX = "staging-"
ASIDE = "replaced"
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True)
class Outcome:
    """What :func:`ensure` found or made; ``fresh`` tells whether it is new."""

    provenance: Provenance
    fresh: bool


def installed(target: Path, identity: Identity | None = None) -> Provenance | None:
    """The provenance of ``target`` when that is a whole installation (of ``identity``), else ``None``.

    UID, version, variation and options have to agree; the alias may have been renamed since.
    """
    try:
        provenance = read_provenance(target)
    except InputError:
        return None
    if provenance is None or identity is None:
        return provenance
    return provenance if _same(provenance.entry, identity) else None


def ensure(
    target: Path, identity: Identity, fill: Callable[[Path], Provenance], *, replace: bool = False
) -> Outcome:
    """Install by ``fill`` unless it is there; however many processes ask at once, one installs.

    Parameters
    ----------
    fill
        Given the empty staging folder; fills it and returns its provenance (``files`` may be left empty).
    replace
        Install again over what is there; the old installation stays until the new one takes its place.

    Raises
    ------
    CkssdError
        As :class:`Installation`, and whatever ``fill`` raises.
    """
    there = None if replace else _complete(target, identity)
    if there is not None:
        return Outcome(there, fresh=False)
    with Installation(target, identity, replace=replace) as job:
        if job.existing is not None:
            return Outcome(job.existing, fresh=False)
        return Outcome(job.commit(fill(job.staging)), fresh=True)


class Installation:
    """One installation into ``target``, as a context manager.

    Inside the block, ``staging`` is an empty folder of this process alone; :meth:`commit` makes it the
    target. Leaving the block without a commit removes it. ``existing`` is set when another process has
    installed the same thing while this one waited: there is nothing left to do then.

    Parameters
    ----------
    target
        The folder to install. It may exist when it is empty or an installation.
    identity
        What is being installed.
    replace
        Install even when it is there.

    Raises
    ------
    UsageError
        ``target`` holds something that is no installation.
    EnvironmentSetupError
        Its parent cannot be written, or the disk is full.
    """

    def __init__(self, target: Path, identity: Identity, *, replace: bool = False) -> None:
        self.target = Path(os.path.realpath(target))
        self.identity = identity
        self.existing: Provenance | None = None
        self._replace = replace
        self._work = work_folder(self.target)
        self._staging: Path | None = None
        self._cleanup = contextlib.ExitStack()

    @property
    def staging(self) -> Path:
        """The folder to fill."""
        if self._staging is None:
            raise UsageError("the installation has not begun or is already there", where=self.target)
        return self._staging

    def __enter__(self) -> Installation:
        try:
            self._begin()
        except OSError as error:
            self._cleanup.close()
            raise _cannot_be_written(self.target, error) from error
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()
        if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
            raise _cannot_be_written(self.target, error) from error

    def commit(self, provenance: Provenance) -> Provenance:
        """Write the provenance and make the staging folder the target; return what was written.

        Raises
        ------
        UsageError
            The provenance is of another entry.
        OSError
            Becomes EnvironmentSetupError at the end of the block; the target is as it was.
        """
        if not _same(provenance.entry, self.identity):
            raise UsageError("a provenance is of another entry", expected=self.identity, got=provenance.entry)
        if not provenance.files:
            provenance = replace(provenance, files=manifest(self.staging))
        self.staging.chmod(0o755)
        write_provenance(self.staging, provenance)
        replace_folder(self.staging, self.target, self._work / ASIDE)
        sync_folder(self.target.parent)
        return provenance

    def _begin(self) -> None:
        self._cleanup.callback(catch_ending_signals())
        self._cleanup.enter_context(held_lock(self._work / "lock", f"the installation of {self.target}"))
        # Runs before the lock is released, whatever happens: the staging folder, or after an exchange
        # the old installation in its place, goes away.
        self._cleanup.callback(_tidy, self._work, self.target)
        _tidy(self._work, self.target)
        if not self._replace:
            self.existing = _complete(self.target, self.identity)
            if self.existing is not None:
                return
        there = installed(self.target)
        if there is not None and not _same(there.entry, self.identity):
            say(f"{self.target} has {there.entry.describe()}; {self.identity.describe()} takes its place")
        elif there is not None and not self._replace:
            say(f"{self.target}: some of its files are gone; installing it again")
        _refuse_foreign_folder(self.target)
        self._staging = Path(tempfile.mkdtemp(prefix=f"{STAGING_PREFIX}{os.getpid()}-", dir=self._work))


def uninstall(target: Path) -> bool:
    """Remove an installation: out of sight by one rename, then its files. ``False`` when there is none.

    Raises
    ------
    UsageError
        ``target`` holds something that is no installation.
    EnvironmentSetupError
        It cannot be removed.
    """
    target = Path(os.path.realpath(target))
    if not os.path.lexists(target):
        return False
    work = work_folder(target)
    try:
        with held_lock(work / "lock", f"the removal of {target}"):
            _tidy(work, target)
            _refuse_foreign_folder(target)
            if not target.is_dir():
                return False
            target.rename(Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=work)) / "removed")
            _tidy(work, target)
    except OSError as error:
        raise EnvironmentSetupError(
            "an installation cannot be removed", where=target, got=error.strerror or str(error)
        ) from error
    return True


def clean_stale(parent: Path) -> tuple[Path, ...]:
    """Remove what killed installations left in ``parent``; running ones are not touched."""
    removed: list[Path] = []
    for work in sorted((parent / WORK_FOLDER).glob("*")):
        if (work / "lock").exists():
            with held_lock(work / "lock", f"cleaning {work}", wait=False) as held:
                if held:
                    removed += _tidy(work, parent / work.name)
    return tuple(removed)


@contextlib.contextmanager
def registration(target: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock that an install keeps from its beginning until its folder is registered.

    Gives whether the lock is held; without ``wait`` it may not be.
    """
    with held_lock(work_folder(target) / "registration", f"the registration of {target}", wait=wait) as held:
        yield held


def work_folder(target: Path) -> Path:
    """The folder that holds lock and staging folders of ``target``."""
    return target.parent / WORK_FOLDER / target.name


def _tidy(work: Path, target: Path) -> list[Path]:
    """Recover from a replacement cut short and remove staging folders; the lock must be held."""
    recover(target, work / ASIDE)
    removed = []
    for folder in [*work.glob(f"{STAGING_PREFIX}*"), work / ASIDE]:
        if folder.exists():
            # A tool that outlived its killed parent may still write there; the next install tries again.
            with contextlib.suppress(OSError):
                remove_tree(folder)
                removed.append(folder)
    return removed


def _refuse_foreign_folder(target: Path) -> None:
    """Never replace what this project did not make: a mistyped path may be somebody's home."""
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise UsageError(
            "the place of an installation is taken by a file", where=target, advice="move it away"
        )
    names = {entry.name for entry in os.scandir(target)}
    if names and not names & NOT_OURS:
        raise UsageError(
            "the folder is no installation of ckssd and not empty", where=target, advice="choose another one"
        )


def _complete(target: Path, identity: Identity) -> Provenance | None:
    """The provenance of an installation of ``identity`` that has all its files, whatever is in them.

    Hashing them takes longer than a repeated install may; ``ckssd verify`` does that.
    """
    provenance = installed(target, identity)
    if provenance is None or all(os.path.lexists(target / path) for path in provenance.files):
        return provenance
    return None


def _same(one: Identity, other: Identity) -> bool:
    return replace(one, alias=other.alias) == other


def _cannot_be_written(target: Path, error: OSError) -> EnvironmentSetupError:
    return EnvironmentSetupError(
        "the installation cannot be written",
        where=target,
        got=error.strerror or str(error),
        advice="free some space, or choose another folder",
    )
