"""Open Images: tables of boxes as fractions of the picture's sides, and of the classes' names.

``validation-annotations-bbox.csv`` (V4 to V7; ``oidv6-train-…``) with ``class-descriptions-boxable.csv``.
``IsGroupOf``, a box around more than five objects, is COCO's ``iscrowd``; the other flags keep their names
without ``Is``. Where ``…images….csv`` lists a split's pictures, those without a box belong to it, too.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ckssd.errors import InputError
from ckssd.formats.content import FLAGS, Box, Content, Notes, Picture, numbered
from ckssd.formats.options import Reading
from ckssd.formats.pictures import PictureIndex, name_pictures, scale
from ckssd.formats.reading import UTF16_MARKS, choose_split, fault, files_in, fraction, number
from ckssd.formats.shapes import around
from ckssd.formats.writing import Folder, by_stem

BOXES = re.compile(r"(?:oidv\d+-)?(?P<split>.+?)-annotations-bbox.*")
PICTURES = re.compile(r"(?:oidv\d+-)?(?P<split>.+?)-images?(-|$).*")
COLUMNS = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")
# IsDifficult is this project's own, for what other formats call so.
FLAG_COLUMNS = {
    "IsOccluded": FLAGS["occluded"],
    "IsTruncated": FLAGS["truncated"],
    "IsGroupOf": FLAGS["iscrowd"],
    "IsDepiction": FLAGS["depiction"],
    "IsInside": FLAGS["inside"],
    "IsDifficult": FLAGS["difficult"],
}
DESCRIPTIONS = "class-descriptions-boxable.csv"
LIST = "images.csv"
DEFAULT_SPLIT = "validation"
UNKNOWN = "flags that are not known (-1), taken as not set"
NUMBER = "{:.15g}"


def read(source: Path, reading: Reading) -> Content:
    """Read a folder of tables and pictures, or one table of boxes.

    Raises
    ------
    InputError, UsageError
        It has no table, several splits, or a table is broken.
    """
    root = source if source.is_dir() else source.parent
    tables = _tables(source)
    split = choose_split(list(tables), reading.split, source, together=False)
    if split is None or split not in tables:
        raise InputError(
            "The folder has no table of boxes", where=source, expected=f"{DEFAULT_SPLIT}-annotations-bbox.csv"
        )
    notes = Notes()
    described = next((file for file in files_in(root, ".csv") if "class-descriptions" in file.name), None)
    names = {} if described is None else _descriptions(described)
    if described is None:
        notes.add(f"no {DESCRIPTIONS}: the classes keep their codes (/m/…) as names")
    index = PictureIndex(root)
    pictures, listed = _listed(root, split, index)
    _add_boxes(tables[split], pictures, names, index, notes)
    alone = len(index.files) - len({picture.file for picture in pictures.values() if picture.file})
    if alone:
        notes.add(f"pictures that no table lists left out: {alone}")
    if not pictures:
        raise InputError("The table has no boxes", where=tables[split])
    name_pictures(pictures.values())
    used = dict.fromkeys(box.category for picture in pictures.values() for box in picture.boxes)
    read_files = [tables[split], *([described] if described else []), *([listed] if listed else [])]
    return Content(numbered([*names.values(), *used]), [*pictures.values()], split, notes, read_files)


def _tables(source: Path) -> dict[str, Path]:
    """Tables of boxes by the split in their names."""
    files = files_in(source, ".csv") if source.is_dir() else [source]
    found = {match["split"]: file for file in files if (match := BOXES.fullmatch(file.stem))}
    if not found and not source.is_dir():
        found = {source.stem: source}
    return found


def _rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table with their lines, as column to text."""
    try:
        with file.open("rb") as start:
            encoding = "utf-16" if start.read(2) in UTF16_MARKS else "utf-8-sig"
        with file.open(encoding=encoding, newline="") as text:
            reader = csv.DictReader(text)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                got = ",".join(reader.fieldnames or ["nothing"])
                raise fault(file, f"a column {missing[0]}", got)
            for row in reader:
                if None in row.values() or None in row:
                    raise fault(
                        f"{file}:{reader.line_num}", f"{len(reader.fieldnames or ())} columns", _shown(row)
                    )
                yield reader.line_num, row
    except (csv.Error, UnicodeError) as error:
        raise InputError(
            "The table cannot be read", where=file, expected="CSV in UTF-8", got=error
        ) from error
    except OSError as error:
        raise InputError("The table cannot be read", where=file, got=error.strerror) from error


def _shown(row: dict[Any, Any]) -> str:
    return ",".join(str(value) for value in row.values() if value is not None)


def _descriptions(file: Path) -> dict[str, str]:
    """Code to name; V7's table has a heading, the others none."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = [row for row in csv.reader(text) if row]
    except (OSError, csv.Error, UnicodeError) as error:
        raise InputError(
            "The table cannot be read", where=file, expected="CSV in UTF-8", got=error
        ) from error
    if rows and rows[0][0] == "LabelName":
        del rows[0]
    found: dict[str, str] = {}
    for line, row in enumerate(rows, 1):
        if len(row) != 2 or not row[1].strip():
            raise fault(f"{file}: row {line}", "a code and a name", ",".join(row))
        if row[0] in found or row[1].strip() in found.values():
            raise fault(f"{file}: row {line}", "each code and name once", ",".join(row))
        found[row[0]] = row[1].strip()
    return found


def _listed(root: Path, split: str, index: PictureIndex) -> tuple[dict[str, Picture], Path | None]:
    """The pictures of a split's own list, if there is one."""
    for file in files_in(root, ".csv"):
        match = PICTURES.fullmatch(file.stem)
        if match and match["split"] == split:
            rows = _rows(file, ["ImageID"])
            return {row["ImageID"]: _picture(row["ImageID"], index, split) for _, row in rows}, file
    return {}, None


def _picture(identity: str, index: PictureIndex, split: str) -> Picture:
    folders = [index.root / split, index.root / "images", index.root / "images" / split]
    return Picture(f"{identity}.jpg", index.find_stem(identity, folders))


def _add_boxes(
    table: Path, pictures: dict[str, Picture], names: dict[str, str], index: PictureIndex, notes: Notes
) -> None:
    split_match = BOXES.fullmatch(table.stem)
    split = split_match["split"] if split_match else table.stem
    for line, row in _rows(table, COLUMNS):
        identity = row["ImageID"]
        picture = pictures.get(identity)
        if picture is None:
            picture = pictures[identity] = _picture(identity, index, split)
        where = f"{table}:{line}"
        code = row["LabelName"].strip()
        if not code:
            raise fault(where, "a LabelName", "none")
        if names and code not in names:
            notes.add("classes without a description, named by their codes", code)
        picture.boxes.append(_box(where, sys.intern(names.get(code, code)), row, picture, notes))


def _box(where: str, name: str, row: dict[str, str], picture: Picture, notes: Notes) -> Box:
    left, right, top, bottom = (fraction(f"{where}: {key}", row[key]) for key in COLUMNS[2:])
    if right < left or bottom < top:
        raise fault(where, "XMax and YMax not below XMin and YMin", f"{left:g} {right:g} {top:g} {bottom:g}")
    across, down = scale(picture)
    box = around(name, (left * across, right * across), (top * down, bottom * down))
    for column, bit in FLAG_COLUMNS.items():
        value = row.get(column, "0")
        if value == "1":
            box.flags |= bit
        elif value != "0":
            if number(f"{where}: {column}", value or "0") not in (-1, 0, 1):
                raise fault(f"{where}: {column}", "0, 1 or -1", value)
            if value == "-1":
                notes.add(UNKNOWN, where)
    return box


def write(content: Content, target: Folder) -> None:
    """Write the tables of one split and its pictures, by their names instead of Open Images' ids.

    Raises
    ------
    UsageError
        Two pictures would have one id.
    """
    split = content.split or DEFAULT_SPLIT
    codes = {name: f"/ckssd/{index}" for index, name in enumerate(content.categories, 1)}
    identities: list[str] = []
    for identity, picture in by_stem(content.pictures, "id"):
        identities.append(identity)
        target.picture(picture, f"{split}/{picture.name}")
    _table(target, DESCRIPTIONS, ((code, name) for name, code in codes.items()))
    _table(
        target, f"{split}-{LIST}", [("ImageID", "Subset"), *((identity, split) for identity in identities)]
    )
    _table(target, f"{split}-annotations-bbox.csv", _rows_of(content, codes))


def _table(target: Folder, path: str, rows: Any) -> None:
    with target.opened(path) as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _rows_of(content: Content, codes: dict[str, str]) -> Iterator[Sequence[str]]:
    yield ("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", *FLAG_COLUMNS)
    for picture in content.pictures:
        identity = PurePosixPath(picture.name).with_suffix("").as_posix()
        for box in picture.boxes:
            edges = (
                box.x / picture.width,
                (box.x + box.width) / picture.width,
                box.y / picture.height,
                (box.y + box.height) / picture.height,
            )
            flags = (str(int(bool(box.flags & bit))) for bit in FLAG_COLUMNS.values())
            yield (identity, "ckssd", codes[box.category], "1", *map(NUMBER.format, edges), *flags)
