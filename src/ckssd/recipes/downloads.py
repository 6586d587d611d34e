"""What an install would download, without doing it: for ``--dry-run``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ckssd.errors import CkssdError, RunError
from ckssd.fetch import Settings, SourceCache
from ckssd.install import Python, choose_python
from ckssd.install.wheels import files_of_lock
from ckssd.recipes.download import sources_of
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
    UsageError, VerificationError
        As the install itself: the entry or the options are wrong, or a source has no hash.
    """
    section = package.section
    found = []
    if "sources" in section:
        cache = SourceCache(Settings.from_environment().cache)
        for _, source in sources_of(package):
            digest = ":".join(source.digest or ("", ""))
            found.append(Download(source.file_name, source.urls[0], source.size, digest, cache.has(source)))
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
        section = {"python": section["python"], **variant}
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
    python = _python(package, str(section["python"]))
    for lock in locks:
        yield from _files(lock, python)


def _files(lock: Path, python: Python) -> Iterator[Download]:
    try:
        for file in files_of_lock(lock, python):
            yield Download(file.file_name, file.url, None, f"sha256:{file.sha256}", None)
    except RunError as error:
        note = f"what the lock names; uv cannot say more now: {(error.got or '')[:200]}"
        yield Download(lock.name, "", None, "", None, note=note)


def _python(package: Package, requires: str) -> Python:
    named = package.options.get("CK_PYTHON")
    preferred = Path(named or sys.executable)
    try:
        return choose_python(requires, preferred=preferred, install_missing=False)
    except CkssdError:
        # uv will fetch one; what it would then install is the same for every patch release.
        minor = requires.split(",")[0].lstrip("=<>~ ").removesuffix(".*")
        return Python(Path(minor), minor, "uv")
