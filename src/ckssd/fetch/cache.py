"""The content-addressed cache: every downloaded file once, named by its hash, checked on every use.

Files get here by one rename, read-only, and are handed out as hard links where the file system has them.
A note beside each file (``*.json``) remembers its human name and the URL that served it.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import EnvironmentSetupError
from ckssd.fetch.hashing import Digests, difference, hash_file, needs_md5
from ckssd.fetch.locking import held_lock
from ckssd.fetch.source import HASH_DIGITS, Source


class State(enum.Enum):
    """What the cache holds for a source."""

    MISSING = "missing"
    WHOLE = "whole"
    CORRUPT = "corrupt"


@dataclass(frozen=True)
class CacheEntry:
    """One file of the cache; ``used`` and ``added`` are seconds since 1970."""

    path: Path
    algorithm: str
    digest: str
    file_name: str
    size: int
    url: str | None
    added: float
    used: float


class SourceCache:
    """The cache in folder ``root``, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, source: Source) -> Path | None:
        """Where the file of ``source`` belongs; ``None`` for a source without a hash."""
        return None if source.digest is None else self.address(*source.digest)

    def address(self, algorithm: str, digest: str) -> Path:
        """Where the file with that digest belongs."""
        return self.root / "sources" / algorithm / digest

    def part_of(self, source: Source) -> Path:
        """The file that an unfinished download of ``source`` grows in."""
        return self.root / "partial" / f"{_key(source)}.part"

    def client_folder_of(self, source: Source) -> Path:
        """The folder that a registry's client puts the file of ``source`` into, under the source's lock."""
        return self.root / "partial" / f"{_key(source)}.client"

    @contextlib.contextmanager
    def lock(self, source: Source) -> Iterator[None]:
        """Hold the lock of one source, so that only one process downloads it."""
        with held_lock(self.root / "locks" / f"{_key(source)}.lock", f"the download of {source.file_name}"):
            yield

    def look(self, source: Source) -> tuple[State, Digests | None]:
        """Hash what the cache holds for ``source``; changes nothing, takes no lock."""
        path = self.path_of(source)
        if path is None or not path.is_file():
            return State.MISSING, None
        try:
            found = hash_file(path, with_md5=needs_md5(source))
        except OSError:
            return State.CORRUPT, None
        if difference(source, found) is not None:
            return State.CORRUPT, found
        with contextlib.suppress(OSError):
            os.utime(self._note_of(path))
        return State.WHOLE, found

    def has(self, source: Source) -> bool:
        """Whether a file of the right size is there; for plans that should not cost a hash."""
        path = self.path_of(source)
        with contextlib.suppress(OSError):
            return path is not None and source.size in {None, path.stat().st_size}
        return False

    def url_of(self, source: Source) -> str | None:
        """The URL that served the cached file of ``source``, when that is known."""
        path = self.path_of(source)
        url = None if path is None else _read_note(self._note_of(path)).get("url")
        return url if isinstance(url, str) else None

    def add(self, file: Path, source: Source, digests: Digests, url: str) -> Path:
        """Move a verified ``file`` (on the cache's file system) into the cache; return its place there.

        Raises
        ------
        EnvironmentSetupError
            The cache cannot be written.
        """
        place = self.path_of(source) or self.address("sha256", digests.sha256)
        note = {
            "file_name": source.file_name,
            "url": url,
            "size": digests.size,
            "sha256": digests.sha256,
            "added": time.time(),
        }
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(self._note_of(place), json.dumps(note, indent=1).encode("utf-8"))
            file.chmod(0o444)
            file.replace(place)
        except OSError as error:
            raise unwritable(self.root, error) from error
        return place

    def drop(self, source: Source) -> None:
        """Remove the file of ``source`` and its note."""
        path = self.path_of(source)
        if path is not None:
            self._remove(path)

    def list(self) -> tuple[CacheEntry, ...]:
        """Every file of the cache, sorted by name and digest."""
        entries = []
        for algorithm in HASH_DIGITS:
            for path in sorted((self.root / "sources" / algorithm).glob("*")):
                if len(path.name) == HASH_DIGITS[algorithm] and path.is_file():
                    entries.append(self._entry(path, algorithm))
        return tuple(sorted(entries, key=lambda entry: (entry.file_name, entry.digest)))

    def partials(self) -> tuple[tuple[Path, int], ...]:
        """Unfinished downloads and their bytes so far."""
        files = [*(self.root / "partial").glob("*.part"), *(self.root / "partial").glob("*.part.mirror")]
        return tuple((file, file.stat().st_size) for file in sorted(files))

    def verify(self) -> tuple[tuple[CacheEntry, bool], ...]:
        """Hash every file again; ``True`` stands for whole."""
        return tuple((entry, self._is_whole(entry)) for entry in self.list())

    def prune(self, keep: Collection[str] = (), unused_for_seconds: float = 0.0) -> tuple[CacheEntry, ...]:
        """Remove files (and unfinished downloads) that nobody asked to keep; return what went.

        Parameters
        ----------
        keep
            Digests that stay.
        unused_for_seconds
            Files used more recently than this stay, too.

        Raises
        ------
        EnvironmentSetupError
            The cache cannot be written.
        """
        latest = time.time() - unused_for_seconds
        removed = []
        for entry in self.list():
            if entry.digest not in keep and entry.used <= latest and self._remove_unlocked(entry):
                removed.append(entry)
        for part, _ in self.partials():
            self._remove_part(part, latest)
        for folder in (self.root / "partial").glob("*.client"):
            self._remove_client_folder(folder, latest)
        return tuple(removed)

    def _is_whole(self, entry: CacheEntry) -> bool:
        try:
            found = hash_file(entry.path, with_md5=entry.algorithm == "md5")
        except OSError:
            return False
        return entry.digest == (found.md5 if entry.algorithm == "md5" else found.sha256)

    def _entry(self, path: Path, algorithm: str) -> CacheEntry:
        note_file = self._note_of(path)
        note = _read_note(note_file)
        status = path.stat()
        url = note.get("url")
        added = note.get("added")
        return CacheEntry(
            path=path,
            algorithm=algorithm,
            digest=path.name,
            file_name=str(note.get("file_name", path.name)),
            size=status.st_size,
            url=url if isinstance(url, str) else None,
            added=added if isinstance(added, float) else status.st_mtime,
            used=note_file.stat().st_mtime if note_file.exists() else status.st_mtime,
        )

    def _remove_unlocked(self, entry: CacheEntry) -> bool:
        lock = self.root / "locks" / f"{entry.algorithm}-{entry.digest}.lock"
        with held_lock(lock, f"pruning {entry.file_name}", wait=False) as held:
            if held:
                self._remove(entry.path)
            return held

    def _remove_part(self, part: Path, latest: float) -> None:
        lock = self.root / "locks" / f"{part.name.removesuffix('.mirror').removesuffix('.part')}.lock"
        with held_lock(lock, f"pruning {part.name}", wait=False) as held, contextlib.suppress(OSError):
            if held and part.stat().st_mtime <= latest:
                part.unlink()
                part.with_name(part.name + ".json").unlink()

    def _remove_client_folder(self, folder: Path, latest: float) -> None:
        """A killed client's; a living one holds the lock."""
        lock = self.root / "locks" / f"{folder.stem}.lock"
        with held_lock(lock, f"pruning {folder.name}", wait=False) as held, contextlib.suppress(OSError):
            if held and folder.stat().st_mtime <= latest:
                shutil.rmtree(folder)

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
            self._note_of(path).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self.root, error) from error

    @staticmethod
    def _note_of(path: Path) -> Path:
        return path.with_name(path.name + ".json")


def link_or_copy(file: Path, destination: Path) -> None:
    """Put ``file`` at ``destination`` (which must not exist): a hard link where possible, else a copy."""
    try:
        os.link(file, destination)
    except OSError:
        shutil.copyfile(file, destination)
        shutil.copymode(file, destination)


def unwritable(place: Path, error: OSError) -> EnvironmentSetupError:
    """The error for a folder that cannot be written: full, read-only or forbidden."""
    free = None
    with contextlib.suppress(OSError):
        existing = next(folder for folder in (place, *place.parents) if folder.is_dir())
        free = f"{shutil.disk_usage(existing).free} bytes free"
    return EnvironmentSetupError(
        "a file cannot be written",
        where=place,
        got=", ".join(filter(None, (error.strerror or str(error), free))),
        advice="free some space, or choose another folder (CKSSD_CACHE for downloads)",
    )


def _key(source: Source) -> str:
    if source.digest is not None:
        return "-".join(source.digest)
    return "unverified-" + source.file_name


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _write_atomically(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
