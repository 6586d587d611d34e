"""Where a downloaded file goes in an installation: the rest of what an entry says about a source.

Read strictly, as the source itself is, so that a fault in an entry is named before a byte is fetched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.fetch import Source, link_or_copy, unpack
from ckssd.recipes.members import Member, inner_path, members_from_meta
from ckssd.report import step

LAYOUT_KEYS = frozenset({"unpack", "strip", "place", "only", "files"})
UNSTATED_UNPACKED_SIZE = 4 << 30


@dataclass(frozen=True)
class Layout:
    """What to do with one file.

    Parameters
    ----------
    unpack
        The folder in the installation to unpack it to (``.`` for the top); ``None`` for a plain file.
    strip
        A leading folder of the archive to leave out; ``True``: its only one.
    only
        The members wanted; ``None`` for all.
    place
        Path of a plain file; ``None``: its own name at the top.
    files
        The only members wanted of an archive, each with its own size and sha256; empty for any other layout.
    """

    unpack: str | None = None
    strip: str | bool = False
    only: frozenset[str] | None = None
    place: str | None = None
    files: tuple[Member, ...] = ()

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any], where: str) -> Layout:
        """Read the layout's part of a source's meta data.

        Raises
        ------
        UsageError
            A value is of the wrong type, or a path leads out of the installation.
        """
        strip, only = meta.get("strip", False), meta.get("only")
        if not isinstance(strip, bool):
            strip = inner_path(meta, "strip", where) or False
        if only is not None and not (isinstance(only, list) and all(isinstance(name, str) for name in only)):
            raise UsageError("names of members were expected", where=f"{where}: only", got=repr(only))
        files = members_from_meta(meta, where)
        others = sorted((LAYOUT_KEYS - {"files"}) & meta.keys())
        if files and others:
            raise UsageError("files of an archive have places of their own", where=f"{where}: {others[0]}")
        return cls(
            unpack=inner_path(meta, "unpack", where),
            strip=strip,
            only=None if only is None else frozenset(only),
            place=inner_path(meta, "place", where),
            files=files,
        )

    def lay_out(self, file: Path, source: Source, staging: Path) -> None:
        """Put the fetched ``file`` of ``source`` into ``staging``.

        Raises
        ------
        InputError
            The archive is damaged, hostile, or not what the layout says.
        VerificationError
            A member has not its own size and sha256.
        EnvironmentSetupError
            The folder cannot be written.
        """
        if self.files:
            self._take_members(file, source, staging)
            return
        if self.unpack is None:
            place = staging / (self.place or source.file_name)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(file, place)
            return
        step(f"Unpacking {source.file_name}")
        only = self.only
        destination = staging / self.unpack
        unpack(
            file,
            destination,
            limit=source.unpacked_size or UNSTATED_UNPACKED_SIZE,
            wanted=None if only is None else lambda name: name in only,
        )
        if self.strip:
            _strip(destination, self.strip, source)

    def _take_members(self, file: Path, source: Source, staging: Path) -> None:
        wanted = {member.name for member in self.files}
        limit = source.unpacked_size or UNSTATED_UNPACKED_SIZE
        staging.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".members-", dir=staging) as work:
            step(f"Taking {len(wanted)} files out of {source.file_name}")
            unpack(file, Path(work), limit=limit, wanted=lambda name: name in wanted)
            for member in self.files:
                member.take(Path(work), staging, source.file_name)


def _strip(destination: Path, leading: str | bool, source: Source) -> None:
    found = sorted(path.name for path in destination.iterdir())
    name = found[0] if leading is True and len(found) == 1 else str(leading)
    inner = destination / name
    if not inner.is_dir():
        raise InputError(
            "The archive has not the folder that it should",
            where=source.file_name,
            expected="one folder" if leading is True else leading,
            got=", ".join(found[:5]),
        )
    for path in sorted(inner.iterdir()):
        path.rename(destination / path.name)
    inner.rmdir()
