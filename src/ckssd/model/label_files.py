"""Files of class names in every format that tools write, as names with ids or as names in a row.

What the names mean for a model is decided by ckssd.model.labels.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.tflite.labels import parse_label_map
from ckssd.tflite.metadata import label_texts

MOST_BYTES = 4_000_000
LONGEST_NAME = 1000  # characters; the patterns below are slow on lines without end
_NUMBERED = re.compile(r"\s*(?P<id>\d{1,6})\s*[:,;=\s]\s*(?P<name>\S.*?)\s*")
_NUMBERED_BEHIND = re.compile(r"(?P<name>\S.*?)\s*[,;\t]\s*(?P<id>\d{1,6})")
# What a list of names is written in by CVAT (labelmap.txt: colour, parts, actions), YAML, JSON and programs.
_CVAT_HEADER = "# label:color_rgb:parts:actions"
_DRESSED = (
    re.compile(r"(?P<name>[^:]+):(\d+,\d+,\d+)?:[^:]*:[^:]*"),
    re.compile(r"(-\s+)?(?P<quote>[\"'])(?P<name>.+)(?P=quote)\s*,?"),
    re.compile(r"-\s+(?P<name>\S.*)"),
)
_LABEL_MAP = re.compile(r"(\s|#.*\n)*item\s*:?\s*[{<]")
# How files of other kinds begin, which are no names whatever their number of lines.
_OTHERS = {"<": "HTML or XML", "{": "text in braces", "%PDF": "a PDF"}
YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class NamesById:
    """Names by their ids, as the file has them; ``kind`` names its format."""

    names: dict[int, str]
    kind: str


Names = NamesById | tuple[str, ...]


def read_names(path: Path, num_classes: int) -> Names:
    """Read a label map, JSON or a list, as its content says; or the list inside a TFLite file.

    Parameters
    ----------
    num_classes
        Of the model: tells a list of numbered names from names that begin with numbers.

    Raises
    ------
    InputError
        The file cannot be read, or holds no names.
    """
    suffix = path.suffix.lower()
    if suffix == ".tflite":
        return _inside(path, num_classes)
    if suffix in YAML:
        raise InputError(
            "Labels are not read from YAML", where=path, advice="write its names into a file, one a line"
        )
    text = _text(path, _bytes(path))
    if suffix == ".pbtxt" or _LABEL_MAP.match(text):
        return NamesById(parse_label_map(text, path), "label map")
    if suffix == ".json" or _is_json(text):
        return _json(path, text)
    return _list(path, text, num_classes)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("[", "{")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError("The labels cannot be read", where=path, got=error.strerror) from error
    if len(data) > MOST_BYTES:
        raise InputError("The file is no list of labels", where=path, got=f"more than {MOST_BYTES} bytes")
    return data


def _text(path: Path, data: bytes) -> str:
    """UTF-8, with or without a byte order mark, or UTF-16 with one."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            "The labels cannot be read",
            where=path,
            expected="text in UTF-8",
            got=f"{error.reason} at {error.start}",
        ) from error
    if "\0" in text:
        raise InputError(
            "The labels cannot be read", where=path, expected="text in UTF-8", got="NUL characters"
        )
    return text


def _inside(path: Path, num_classes: int) -> Names:
    """The list in a TFLite file's metadata; of several the only one whose length fits."""
    try:
        texts = label_texts(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError("The model's metadata cannot be read", where=path, got=str(error)) from error
    lists = {name: _list(path, _text(path, data), num_classes) for name, data in texts.items()}
    fitting = [
        one for one in lists.values() if isinstance(one, NamesById) or len(one) - num_classes in (0, 1)
    ]
    candidates = fitting if len(fitting) == 1 else list(lists.values())
    if len(candidates) != 1:
        raise InputError(
            "The model's metadata name no labels" if not lists else "The model's metadata hold several lists",
            where=path,
            expected="one text file of labels",
            got=", ".join(lists) or "none",
            advice="name the label file: --labels FILE",
        )
    return candidates[0]


def _list(path: Path, text: str, num_classes: int) -> Names:
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError("The label list is empty", where=path, expected="one name a line")
    if "" in lines:
        raise InputError(
            "The label list has an empty line",
            where=f"{path}, line {lines.index('') + 1}",
            expected="one name a line, ??? for an id that no class has",
        )
    _check_kind(path, lines)
    lines = _undressed(lines)
    return _numbered(lines, num_classes) or _of_table(path, lines, num_classes) or tuple(lines)


def _check_kind(path: Path, lines: list[str]) -> None:
    kinds = [kind for begin, kind in _OTHERS.items() if lines[0].startswith(begin)]
    longest = max(map(len, lines))
    if longest > LONGEST_NAME:
        kinds.append(f"a line of {longest} characters")
    if kinds:
        raise InputError(
            "The file is no list of labels", where=path, expected="one name a line", got=kinds[0]
        )


def _undressed(lines: list[str]) -> list[str]:
    """The names alone, where every line has the same around them."""
    if len(lines) > 1 and lines[0].lower() == _CVAT_HEADER:
        lines = lines[1:]
    for pattern in _DRESSED:
        found = [match["name"].strip() for line in lines if (match := pattern.fullmatch(line))]
        if len(found) == len(lines) and all(found):
            return found
    return lines


def _numbered(lines: list[str], num_classes: int, pattern: re.Pattern[str] = _NUMBERED) -> NamesById | None:
    """Lines of a number and a name, if all are and the numbers are ids of this model's classes."""
    pairs = [(match["id"], match["name"]) for line in lines if (match := pattern.fullmatch(line))]
    names = {int(number): name for number, name in pairs}
    whole = bool(lines) and len(names) == len(lines) and len(set(names.values())) == len(lines)
    return NamesById(names, "numbered list") if whole and max(names) <= num_classes else None


def _of_table(path: Path, lines: list[str], num_classes: int) -> NamesById | None:
    """Names with their numbers behind them; in a CSV file (.csv) the first line may name the columns."""
    found = _numbered(lines, num_classes, _NUMBERED_BEHIND)
    if path.suffix.lower() != ".csv":
        return found
    rest = lines[1:]
    found = found or _numbered(rest, num_classes) or _numbered(rest, num_classes, _NUMBERED_BEHIND)
    if found is None and any(separator in line for line in lines for separator in ",;"):
        raise InputError(
            "The table is none of labels",
            where=path,
            expected=f"lines of an id up to {num_classes} and a name, or one name a line",
            got=lines[-1],
        )
    return found


def _json(path: Path, text: str) -> Names:
    """A list of names, ids to names or names to ids, or COCO's categories."""
    try:
        content: Any = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InputError("The labels are no JSON", where=path, got=str(error)) from error
    if isinstance(content, dict) and isinstance(content.get("categories"), list):
        content = content["categories"]
    found = _of_list(content) if isinstance(content, list) else _of_mapping(content)
    if not found:
        raise InputError(
            "The JSON holds no labels",
            where=path,
            expected='a list of names, {"1": "name", …}, or COCO\'s categories with id and name',
        )
    return found if isinstance(found, tuple) else NamesById(found, "JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is twice in one object")
    return made


def _of_list(items: list[Any]) -> tuple[str, ...] | dict[int, str] | None:
    if all(isinstance(item, str) and item.strip() for item in items):
        return tuple(item.strip() for item in items)
    named = [item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
    ids = [_id(item.get("id")) for item in named]
    if len(named) != len(items) or None in ids or len(set(ids)) != len(ids):
        return None
    return {
        int(number): item["name"].strip()
        for number, item in zip(ids, named, strict=True)
        if number is not None
    }


def _of_mapping(content: Any) -> dict[int, str] | None:
    if not isinstance(content, Mapping):
        return None
    for pairs in (list(content.items()), [(value, key) for key, value in content.items()]):
        names = {_id(number): name for number, name in pairs if isinstance(name, str) and name.strip()}
        if None not in names and len(names) == len(pairs):
            return {number: name.strip() for number, name in names.items() if number is not None}
    return None


def _id(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return int(value)
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
    return int(value) if whole and 0 <= value < 1e9 else None
