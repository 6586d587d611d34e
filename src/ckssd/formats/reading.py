"""What the readers share: text files, numbers, splits, and the errors about them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError, short
from ckssd.formats.content import Notes

ALL = "all"
"""As a split's name: everything, whatever split it is in."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
SHOWN = 8


def read_bytes(path: Path) -> bytes:
    """The bytes of an annotation file; raises InputError."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        got = error.strerror if isinstance(error, OSError) else error
        raise InputError("The annotations cannot be read", where=path, got=got) from error


def read_text(path: Path) -> str:
    """A text file in UTF-8 (with or without a byte order mark), or UTF-16 with one; raises InputError."""
    data = read_bytes(path)
    encoding = "utf-16" if data[:2] in UTF16_MARKS else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        got = f"{error.reason} at byte {error.start}"
        raise InputError("The file is no text", where=path, expected="UTF-8", got=got) from error
    if "\0" in text:
        raise InputError("The file is no text", where=path, expected="UTF-8", got="a zero byte")
    return text


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; raises InputError."""
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        got = short(str(error), 200)
        raise InputError("The annotations are no JSON", where=path, got=got) from error
    if not isinstance(content, dict):
        raise fault(path, "a JSON object", type(content).__name__)
    return content


def read_list(path: Path) -> list[str]:
    """The lines of a text file that have something in them, without spaces around it; raises InputError."""
    return [stripped for line in read_text(path).splitlines() if (stripped := line.strip())]


def number(where: object, value: object) -> float:
    """A finite number, or its text; raises InputError."""
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):  # Python's own way with numbers
        raise fault(where, "a number", repr(value))
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not abs(found) < 1e12:
        raise fault(where, "a number", "nothing" if value is None else repr(value))
    return found


BEYOND = 1.0
"""How far a fraction may be outside 0 to 1: boxes may reach beyond their picture; pixels are more."""


def fraction(where: object, value: object) -> float:
    """A fraction of a picture's side; raises InputError."""
    found = number(where, value)
    if not -BEYOND <= found <= 1 + BEYOND:
        raise fault(where, "fractions of the picture's sides, from 0 to 1", value)
    return found


def with_used(listed: Sequence[str], used: Collection[str], file: Path, notes: Notes) -> list[str]:
    """The classes that a file lists, in its order, then those that boxes have beyond them, sorted."""
    more = sorted(set(used).difference(listed))
    if listed and more:
        notes.add(f"classes that {file.name} does not list", more[0], len(more))
    return [*listed, *more]


def fault(where: object, expected: object, got: object, advice: str | None = None) -> InputError:
    """The error about one place in an annotation file."""
    return InputError(
        "The annotations break their format",
        where=where,
        expected=expected,
        got=short(str(got)),
        advice=advice,
    )


def wrong_extent(where: object, low: float, high: float, axis: str) -> InputError:
    """The error about a box that ends before it begins."""
    return fault(where, f"{axis}max not below {axis}min", f"{axis}min {low:g}, {axis}max {high:g}")


def choose_split(
    available: Sequence[str], asked: str | None, source: object, *, together: bool = True
) -> str | None:
    """The split to read: the one asked for, the only one, or None for all of a source without splits.

    ``together``: whether several can be read as one.

    Raises
    ------
    InputError
        The source has no such split.
    UsageError
        It has several, and none is asked for.
    """
    listed = ", ".join(map(short, available[:SHOWN])) + (", …" if len(available) > SHOWN else "")
    if asked == ALL and (together or len(available) < 2):
        return None if together or not available else available[0]
    if asked in (None, ALL):
        if len(available) > 1:
            advice = f"choose one: --split NAME{f', or {ALL}' if together else ''}"
            raise UsageError("The source has several splits", where=source, got=listed, advice=advice)
        return available[0] if available else None
    found = next((name for name in available if asked in (name, plain(name))), None)
    if found is None:
        raise InputError(
            "The source has no such split",
            where=source,
            expected=listed or "none: it has no splits",
            got=asked,
        )
    return found


def plain(name: str) -> str:
    """A name as letters, digits and ``_.+-`` of ASCII."""
    kept = re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).strip("-.+_")
    return kept or hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def folder(source: Path, names: Sequence[str]) -> Path | None:
    """The first folder of these names in ``source``."""
    return next((place for name in names if (place := source / name).is_dir()), None)


def files_in(place: Path, suffix: str | tuple[str, ...], *, deep: bool = True) -> list[Path]:
    """The files of a suffix in a folder (and, if ``deep``, below it), sorted; hidden ones left out."""
    found: list[str] = []
    for parent, names in walk(place):
        if not deep and parent != str(place):
            break
        fitting = (name for name in names if name.lower().endswith(suffix) and not name.startswith("."))
        found += [f"{parent}{os.sep}{name}" for name in fitting]
    return list(map(Path, sorted(found)))  # texts are sorted many times faster than paths


def walk(place: Path) -> Iterator[tuple[str, list[str]]]:
    """The folders below one, with the names of their files; those that links lead to, too, each once."""
    seen = {os.path.realpath(place)}
    for parent, folders, names in os.walk(place, followlinks=True):
        kept = []
        for name in sorted(folders):
            path = f"{parent}{os.sep}{name}"
            if name.startswith("."):
                continue
            if Path(path).is_symlink():
                target = os.path.realpath(path)
                if target in seen:
                    continue
                seen.add(target)
            kept.append(name)
        folders[:] = kept
        yield parent, sorted(names)
