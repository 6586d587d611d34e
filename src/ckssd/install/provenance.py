"""Where an installation is from and what it consists of: ``provenance.json``, written last.

A folder with a valid one is a whole installation; a folder without is none. The same file lets
:func:`changes` say later which files are no longer what was installed.
"""

from __future__ import annotations

import base64
import csv
import datetime
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.fetch import Fetched
from ckssd.fetch.hashing import hash_file
from ckssd.install.identity import Identity, as_text, as_texts

FILE_NAME = "provenance.json"
FORMAT = 1
ENVIRONMENT = "pyvenv.cfg"  # stands in every virtual environment, see PEP 405
# CK writes its own record into an installed folder after the installation.
NOT_OURS = frozenset({FILE_NAME, "ck-install.json"})


@dataclass(frozen=True)
class SourceRecord:
    """One downloaded file: what it was and which URL served it."""

    file_name: str
    sha256: str
    size: int
    url: str | None = None
    licence: str | None = None

    @classmethod
    def of(cls, fetched: Fetched) -> SourceRecord:
        """The record of a fetched source."""
        source = fetched.source
        return cls(source.file_name, fetched.sha256, fetched.size, fetched.url, source.licence)


@dataclass(frozen=True)
class Provenance:
    """All that is known about one installation.

    Parameters
    ----------
    entry
        What was installed.
    sources
        The files it was made from.
    tools
        Name to version of what did the work: ckssd, uv, python, …
    patches
        Names (or hashes) of the patches applied, in order.
    environment
        The locked packages of a Python environment, as ``name==version``.
    files
        Relative path to sha256 of every file; those of Python packages in an environment are represented by
        their RECORD, which in turn holds the digests of all the package's files.
    extra
        Further facts of a recipe, JSON values.
    created
        Time in UTC, ISO 8601.
    """

    entry: Identity
    sources: tuple[SourceRecord, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    patches: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=lambda: now_utc())

    def to_json(self) -> str:
        """As JSON text, keys sorted."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, where: object) -> Provenance:
        """Read JSON text.

        Raises
        ------
        InputError
            The text is no provenance of this format; the message names the key.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError("a provenance is no valid JSON", where=where, got=str(error)) from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise InputError("a provenance has another format", where=where, expected=f"format {FORMAT}")
        try:
            return _from_dict(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError("a provenance is malformed", where=where, got=repr(error)) from error


@dataclass(frozen=True)
class Change:
    """A file that is no longer what was installed: ``what`` is ``missing``, ``changed`` or ``added``."""

    path: str
    what: str


def now_utc() -> str:
    """The time in UTC, to the second, as ``2026-11-21T01:02:03Z``."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_provenance(folder: Path) -> Provenance | None:
    """The provenance of an installed folder; ``None`` when it has none.

    Raises
    ------
    InputError
        There is one that cannot be read.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("a provenance cannot be read", where=path, got=str(error)) from error
    return Provenance.from_json(text, path)


def write_provenance(folder: Path, provenance: Provenance) -> None:
    """Write ``provenance.json`` in one go and make it durable.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written.
    """
    path = folder / FILE_NAME
    temporary = folder / f".{FILE_NAME}.tmp"
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(provenance.to_json())
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the entries of ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def manifest(folder: Path) -> dict[str, str]:
    """Relative path to sha256 (of links: ``-> target``) of what :func:`changes` is to watch in ``folder``.

    Files of Python packages in an environment are represented by their RECORD, bytecode by nothing.
    """
    recorded = _recorded_files(folder)
    listed = {}
    for path in _files(folder):
        if path not in recorded or path.endswith(".dist-info/RECORD"):
            listed[path] = _digest(folder / path)
    return dict(sorted(listed.items()))


def changes(folder: Path, provenance: Provenance) -> tuple[Change, ...]:
    """What differs in ``folder`` from what was installed, sorted by path."""
    found = []
    for path, digest in provenance.files.items():
        fault = _fault(folder / path, digest)
        if fault is not None:
            found.append(Change(path, fault))
    recorded = _recorded_files(folder)
    for path, recorded_digest in recorded.items():
        fault = _fault(folder / path, recorded_digest) if recorded_digest is not None else None
        if fault is not None:
            found.append(Change(path, fault))
    known = recorded.keys() | provenance.files.keys()
    found += [Change(path, "added") for path in _files(folder) if path not in known]
    return tuple(sorted(found, key=lambda change: change.path))


def _fault(path: Path, digest: str) -> str | None:
    try:
        return None if _digest(path) == digest else "changed"
    except OSError:
        return "missing"


def _digest(path: Path) -> str:
    """The sha256 of a file; of a link, where it points."""
    return f"-> {path.readlink()}" if path.is_symlink() else hash_file(path).sha256


def _files(folder: Path) -> Iterator[str]:
    """Relative paths of the files and links that matter."""
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names + links):
            relative = Path(parent, name).relative_to(folder).as_posix()
            if relative not in NOT_OURS:
                yield relative


def _recorded_files(folder: Path) -> dict[str, str | None]:
    """Files that RECORDs of Python packages list, with their sha256 (``None`` where none is given).

    Only of an environment, into which nothing but whole packages is put: source files in a plain folder are
    patched after their installation. And only RECORDs beside the environment's packages: one that a package
    carries inside (setuptools has some) is about the place where that copy was taken from.
    """
    recorded: dict[str, str | None] = {}
    if not (folder / ENVIRONMENT).is_file():
        return recorded
    for record in sorted(folder.glob("lib/python*/site-packages/*.dist-info/RECORD")):
        base = record.parent.parent
        rows = csv.reader(io.StringIO(record.read_text(encoding="utf-8", errors="replace")))
        for row in rows:
            path = os.path.normpath(base / row[0]) if row else ""
            if path.startswith(f"{folder}{os.sep}"):
                recorded[Path(path).relative_to(folder).as_posix()] = _hex_digest(row)
    return recorded


def _hex_digest(row: Sequence[str]) -> str | None:
    """The sha256 of a RECORD row in hexadecimal; RECORD has it in unpadded URL-safe base64 (PEP 376)."""
    algorithm, _, text = (row[1] if len(row) > 1 else "").partition("=")
    if algorithm != "sha256":
        return None
    try:
        digest = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def _from_dict(data: Mapping[str, Any]) -> Provenance:
    # Before options were part of an identity, only those that replaced a source were written, here.
    options = data["entry"].get("options", data["extra"].get("overridden", {}))
    return Provenance(
        entry=Identity.from_json(data["entry"], options),
        sources=tuple(
            SourceRecord(
                as_text(item["file_name"]),
                as_text(item["sha256"]),
                int(item["size"]),
                item["url"],
                item["licence"],
            )
            for item in data["sources"]
        ),
        tools=as_texts(data["tools"]),
        patches=tuple(as_text(item) for item in data["patches"]),
        environment=tuple(as_text(item) for item in data["environment"]),
        files=as_texts(data["files"]),
        extra=dict(data["extra"].items()),
        created=as_text(data["created"]),
    )
