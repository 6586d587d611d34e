"""What an install would download, without doing it: for ``--dry-run``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ckssd.errors import EnvironmentSetupError, RunError
from ckssd.fetch import Settings, SourceCache
from ckssd.fetch.settings import is_offline
from ckssd.install.pythons import minor_of
from ckssd.install.wheels import files_of_lock
from ckssd.recipes.download import sources_of
from ckssd.recipes.environments import NAMED_PYTHON, python_for, refuse_another_machine
from ckssd.recipes.object_detection_api import git_source, variant_of
from ckssd.recipes.package import Package

# Locks by the key of the entry that names them, in the order in which a recipe uses them.
LOCK_KEYS = ("requirements", "nets_from", "protoc", "build_requirements")


@dataclass(frozen=True)
class Download:
    """One file that an install needs.

    ``size`` in bytes, ``None`` when nobody says; ``digest`` as ``sha256:…`` or ``md5:…``; ``cached`` tells
    whether the cache of this machine has it (``None``: it is for uv's cache, which does not tell).
    """

    file_name: str
    url: str
    size: int | None
    digest: str
    cached: bool | None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return asdict(self)


def downloads_of(package: Package) -> list[Download]:
    """Return what installing the package would download, sizes of Python packages left out.

    Raises
    ------
    UsageError, VerificationError, EnvironmentSetupError
        As the install itself: the entry or the options are wrong, a source has no hash, it does not run
        on this machine, or no Python fits and none can be had.
    """
    section = package.section
    refuse_another_machine(package)
    found = []
    if "sources" in section:
        cache = SourceCache(Settings.from_environment().cache)
        for _, source in sources_of(package):
            digest = ":".join(source.digest or ("", ""))
            note = f"by its registry's client: {source.purl}" if source.purl and not source.urls else ""
            cached = cache.has(source)
            found.append(Download(source.file_name, source.origin or "", source.size, digest, cached, note))
    found += _python_packages(package)
    return found


def with_sizes(downloads: list[Download]) -> list[Download]:
    """Ask the servers how large the files are of which that is not stated; silent where none answers."""
    from ckssd.fetch.reach import reach

    if Settings.from_environment().offline:
        return downloads
    unknown = [d.url for d in downloads if d.size is None and d.cached is not True and not d.note]
    answers = reach(unknown)
    return [replace(d, size=answers[d.url].size) if d.url in answers else d for d in downloads]


def _python_packages(package: Package) -> Iterator[Download]:
    section = dict(package.section)
    if "variants" in section:
        _, variant = variant_of(package)
        section = dict(variant)
    if "git" in section:
        source = git_source(package, section)
        yield Download(
            f"{', '.join(source.folders)} at {source.commit}",
            source.url,
            None,
            f"git:{source.commit}",
            None,
            note="a git commit; its size is not known before",
        )
    locks = [package.folder / str(section[key]) for key in LOCK_KEYS if section.get(key)]
    if not locks:
        return
    interpreter, missing = _interpreter(package)
    if missing:
        note = "none is on this machine; the install asks uv for one"
        yield Download(f"CPython {missing}", "", None, "", None, note=note)
    for lock in locks:
        yield from _files(lock, interpreter, missing)


def _files(lock: Path, interpreter: Path, version: str | None) -> Iterator[Download]:
    try:
        for file in files_of_lock(lock, interpreter, version):
            yield Download(file.file_name, file.url, None, f"sha256:{file.sha256}", None)
    except RunError as error:
        note = f"what the lock names; uv cannot say more now: {(error.got or '')[:200]}"
        yield Download(lock.name, "", None, "", None, note=note)


def _interpreter(package: Package) -> tuple[Path, str | None]:
    """The install's interpreter and ``None``; where none is here, the running one and the wanted version."""
    try:
        return python_for(package, install_missing=False).path, None
    except EnvironmentSetupError:
        if package.options.get(NAMED_PYTHON) or is_offline():
            raise  # as the install will: only uv could get one
    return Path(sys.executable), minor_of(str(package.section["python"]))
