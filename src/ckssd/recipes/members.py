"""Single files of an archive, each pinned by its own size and sha256 beside the archive's.

For archives of which little is wanted, such as a photograph in a wheel: what an entry states of it is then
true of the file that is installed, whatever archive it came in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ckssd.errors import InputError, UsageError, VerificationError
from ckssd.fetch.hashing import hash_file

KEYS = frozenset({"member", "place", "size", "sha256", "licence", "note"})


@dataclass(frozen=True)
class Member:
    """One file: its name in the archive, its place in the installation, its size in bytes and its sha256."""

    name: str
    place: str
    size: int
    sha256: str

    def take(self, unpacked: Path, staging: Path, archive: str) -> None:
        """Verify the file in the folder ``unpacked`` and move it to its place in ``staging``.

        Raises
        ------
        InputError
            The archive has no such file.
        VerificationError
            It has another one.
        """
        file = unpacked / self.name
        if file.is_symlink() or not file.is_file():
            raise InputError("an archive lacks a file", where=archive, expected=self.name)
        found = hash_file(file)
        if (found.size, found.sha256) != (self.size, self.sha256):
            raise VerificationError(
                "a file in an archive is another one",
                where=f"{archive}: {self.name}",
                expected=f"{self.size} bytes, sha256 {self.sha256}",
                got=f"{found.size} bytes, sha256 {found.sha256}",
            )
        place = staging / self.place
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)


def members_from_meta(meta: Mapping[str, Any], where: str) -> tuple[Member, ...]:
    """Read ``files`` of a source's meta data; empty when there is none.

    Raises
    ------
    UsageError
        A value is missing, unknown or malformed, or two files have one name or place.
    """
    listed = meta.get("files", [])
    if not isinstance(listed, list) or not all(isinstance(entry, Mapping) for entry in listed):
        raise UsageError("files of an archive are no list of tables", where=f"{where}: files")
    members = tuple(_member(entry, f"{where}: files[{index}]") for index, entry in enumerate(listed))
    for key, values in (("member", {m.name for m in members}), ("place", {m.place for m in members})):
        if len(values) != len(members):
            raise UsageError("two files of an archive are called alike", where=f"{where}: files: {key}")
    return members


def _member(entry: Mapping[str, Any], where: str) -> Member:
    unknown = sorted(str(key) for key in entry.keys() - KEYS)
    if unknown:
        raise UsageError(
            "a file of an archive has an unknown key",
            where=f"{where}: {unknown[0]}",
            expected=", ".join(sorted(KEYS)),
        )
    name = inner_path(entry, "member", where)
    size, sha256 = entry.get("size"), entry.get("sha256")
    if name is None:
        raise UsageError("a file of an archive lacks its name", where=f"{where}: member")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise UsageError("a size is a whole number of bytes", where=f"{where}: size", got=repr(size))
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise UsageError("a sha256 was expected", where=f"{where}: sha256", got=repr(sha256))
    return Member(name, inner_path(entry, "place", where) or PurePosixPath(name).name, size, sha256)


def inner_path(meta: Mapping[str, Any], key: str, where: str) -> str | None:
    """Read a path that must not lead out of the folder that it is relative to; ``None`` when it is not there.

    Raises
    ------
    UsageError
        It is no text, absolute, or has a ``..``.
    """
    value = meta.get(key)
    if value is None:
        return None
    path = PurePosixPath(value) if isinstance(value, str) and "\0" not in value else None
    if path is None or path.is_absolute() or ".." in path.parts:
        raise UsageError("a path inside a folder was expected", where=f"{where}: {key}", got=repr(value))
    return str(path)
