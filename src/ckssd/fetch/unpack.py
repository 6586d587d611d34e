"""Safe unpacking of tar and zip archives: nothing outside the folder, nothing but files, folders and links.

Each member is judged by rules of our own before anything is written, and tar members go through
``tarfile``'s data filter as well (PEP 706), or through an equal of it on Python 3.10.0 to 3.10.11, which
lack it. A path is never followed through a link that an archive brought along.
"""

from __future__ import annotations

import copy
import enum
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ckssd.errors import CkssdError, InputError
from ckssd.fetch.cache import unwritable
from ckssd.fetch.hashing import CHUNK_BYTES

MOST_MEMBERS = 1_000_000
DATA_FILTER: Callable[[tarfile.TarInfo, str], tarfile.TarInfo] | None = getattr(tarfile, "data_filter", None)
BROKEN_ARCHIVE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    KeyError,
)


class Kind(enum.Enum):
    """What a member of an archive is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symbolic link"
    HARD_LINK = "hard link"
    SPECIAL = "device or special file"


@dataclass(frozen=True)
class Member:
    """One member of an archive, as its header states it; ``size`` in bytes."""

    name: str
    kind: Kind
    size: int = 0
    link: str = ""


@dataclass(frozen=True)
class Unpacked:
    """What came out: the number of files, folders and links, and the bytes of all files."""

    members: int
    size: int


def unpack(
    archive: Path, destination: Path, *, limit: int, wanted: Callable[[str], bool] | None = None
) -> Unpacked:
    """Unpack a tar (plain, gzip, bzip2, xz) or zip archive into a folder.

    Parameters
    ----------
    archive
        The file; its kind is told from its content.
    destination
        The folder, made when missing.
    limit
        The most bytes that all files together may have.
    wanted
        Chooses members by name; left out, all are unpacked. Unwanted ones are judged all the same.

    Raises
    ------
    InputError
        The archive is damaged, of another kind, encrypted, larger than ``limit``, or has a member that an
        honest archive of this project has not: an absolute path, ``..``, a link out of the folder, a
        device, one name twice. What was unpacked before stays in ``destination``.
    EnvironmentSetupError
        The folder cannot be written, or the disk is full.
    """
    judge = _Judge(archive, destination, limit)
    choose = wanted or (lambda _: True)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, destination, judge, choose)
        else:
            _unpack_tar(archive, destination, judge, choose)
    except CkssdError:
        raise
    except BROKEN_ARCHIVE as error:
        raise InputError(
            "an archive is damaged or of an unknown kind",
            where=archive,
            expected="tar, tar.gz, tar.bz2, tar.xz or zip",
            got=str(error) or type(error).__name__,
        ) from error
    except OSError as error:
        raise unwritable(destination, error) from error
    return Unpacked(judge.members, judge.size)


def fault_of(member: Member) -> str | None:
    """Why ``member`` must not be unpacked, judged from its header alone; ``None`` when it may."""
    path = PurePosixPath(member.name)
    if not member.name or "\0" in member.name:
        return "an empty or malformed name"
    if path.is_absolute():
        return "an absolute path"
    if ".." in path.parts:
        return "a path with '..'"
    if member.kind is Kind.SPECIAL:
        return "a device or special file"
    if member.kind is Kind.SYMLINK:
        return _fault_of_link(member.link, len(path.parts) - 1)
    if member.kind is Kind.HARD_LINK:
        return _fault_of_link(member.link, 0)
    return None


def _fault_of_link(link: str, depth: int) -> str | None:
    """A link may climb at its beginning, as far as its own folder is deep, and nowhere else.

    ``a/../..`` behind a folder that is itself a link would leave the place that the text suggests.
    """
    parts = PurePosixPath(link).parts
    if not link or "\0" in link or link.startswith("/"):
        return "a link out of the folder"
    climbs = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    if climbs > depth or ".." in parts[climbs:]:
        return "a link out of the folder"
    return None


class _Judge:
    """Admits members one by one and keeps count of what they amount to."""

    def __init__(self, archive: Path, destination: Path, limit: int) -> None:
        self._archive = archive
        self._destination = destination
        self._limit = limit
        self._seen: set[PurePosixPath] = set()
        self.members = 0
        self.size = 0

    def admit(self, member: Member) -> Path:
        """Return the place of ``member``, or raise InputError."""
        self.members += 1
        fault = fault_of(member) or self._fault_in_place(member)
        if self.members > MOST_MEMBERS:
            fault = f"more than {MOST_MEMBERS} members"
        if fault is not None:
            raise InputError(
                f"an archive has {fault}",
                where=f"{self._archive}: {member.name!r}",
                advice="do not trust this file",
            )
        self.add_bytes(member.size)
        return self._destination / PurePosixPath(member.name)

    def add_bytes(self, count: int) -> None:
        """Count bytes of files; raise InputError beyond the limit."""
        self.size += count
        if self.size > self._limit:
            raise InputError(
                "an archive unpacks to more than it may",
                where=self._archive,
                expected=f"at most {self._limit} bytes",
                got="more",
            )

    def _fault_in_place(self, member: Member) -> str | None:
        path = PurePosixPath(member.name)
        if member.kind is not Kind.FOLDER:
            if path in self._seen or not path.parts:
                return "one name twice"
            self._seen.add(path)
        places = [path, *path.parents] if member.kind is not Kind.SYMLINK else path.parents
        if any((self._destination / place).is_symlink() for place in places if place.parts):
            return "a path that leads through a link"
        if member.kind is Kind.HARD_LINK:
            return self._fault_of_hard_link(PurePosixPath(member.link))
        return None

    def _fault_of_hard_link(self, target: PurePosixPath) -> str | None:
        chain = [target, *target.parents]
        if any((self._destination / place).is_symlink() for place in chain if place.parts):
            return "a hard link that leads through a link"
        if not (self._destination / target).is_file():
            return "a hard link to a file that did not come before it"
        return None


def _unpack_tar(archive: Path, destination: Path, judge: _Judge, choose: Callable[[str], bool]) -> None:
    with tarfile.open(archive, "r:*") as tar:
        for info in tar:
            judge.admit(_tar_member(info))
            if not choose(info.name):
                continue
            if DATA_FILTER is not None:
                tar.extract(info, destination, filter="data")
            else:
                tar.extract(data_filter_equal(info), destination)


def _tar_member(info: tarfile.TarInfo) -> Member:
    if info.isreg():
        return Member(info.name, Kind.FILE, info.size)
    if info.isdir():
        return Member(info.name, Kind.FOLDER)
    if info.issym():
        return Member(info.name, Kind.SYMLINK, link=info.linkname)
    if info.islnk():
        return Member(info.name, Kind.HARD_LINK, link=info.linkname)
    return Member(info.name, Kind.SPECIAL)


def data_filter_equal(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """What the data filter does beyond the checks of :func:`fault_of`, for Pythons without it (PEP 706).

    No owner is taken over; files lose set-id and sticky bits, group and other write, and get owner
    read and write; folders and links get the default mode of the process.
    """
    safe = copy.copy(info)
    safe.uid, safe.gid, safe.uname, safe.gname = -1, -1, "", ""
    if info.isreg() or info.islnk():
        mode = info.mode & 0o755
        if not mode & 0o100:
            mode &= ~0o111
        safe.mode = mode | 0o600
    else:
        safe.mode = 0o755
    return safe


def _unpack_zip(archive: Path, destination: Path, judge: _Judge, choose: Callable[[str], bool]) -> None:
    with zipfile.ZipFile(archive) as container:
        for info in container.infolist():
            member = _zip_member(info)
            place = judge.admit(member)
            if not choose(info.filename):
                continue
            if member.kind is Kind.FOLDER:
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                with container.open(info) as packed, place.open("xb") as plain:
                    _copy(packed, plain, judge)
                place.chmod(0o755 if (info.external_attr >> 16) & 0o100 else 0o644)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    """Its size stays 0: a zip header may lie about it, so bytes are counted as they come."""
    mode = info.external_attr >> 16
    if info.filename.endswith("/"):  # is_dir() breaks on an empty name
        return Member(info.filename, Kind.FOLDER)
    if stat.S_IFMT(mode) in {0, stat.S_IFREG}:
        return Member(info.filename, Kind.FILE)
    return Member(info.filename, Kind.SPECIAL)


def _copy(packed: IO[bytes], plain: IO[bytes], judge: _Judge) -> None:
    for data in _chunks(packed):
        judge.add_bytes(len(data))
        plain.write(data)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while data := stream.read(CHUNK_BYTES):
        yield data
