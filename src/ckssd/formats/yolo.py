"""YOLO: a text file a picture, ``class x_centre y_centre width height`` as fractions of its sides.

The layouts of Ultralytics and Roboflow (``data.yaml``), of Darknet and CVAT (``obj.names``, ``train.txt``)
and of LabelImg (``classes.txt``). A picture's labels are where Ultralytics' loader looks for them: in
``labels`` in place of the last ``images`` of its path, else beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ckssd.errors import InputError
from ckssd.formats.content import Box, Content, Notes, Picture, flag_names, numbered, rounded
from ckssd.formats.options import Reading
from ckssd.formats.pictures import name_pictures, scale
from ckssd.formats.reading import fault, files_in, fraction, number, read_text
from ckssd.formats.shapes import around
from ckssd.formats.writing import Folder, by_stem
from ckssd.formats.yolo_flags import FLAGS_FILE, read_flags, write_flags
from ckssd.formats.yolo_layout import Layout, layout_of

BACKGROUND = "pictures without labels, taken as pictures without objects"
POLYGONS = "outlines read as their bounding boxes"
POSES = "key points left out"
BOX_FIELDS = 5
NUMBERS = "{:.15g}"
NONE_OF_THEM = ("classes", "train", "val", "valid", "test", "labels", "notes", "README")


@dataclass
class _Labels:
    """What is needed to read label files; ``flags``: label file to line number to flags."""

    names: Sequence[str]
    poses: bool
    flags: dict[str, dict[int, int]]
    root: Path
    notes: Notes


def read(source: Path, reading: Reading) -> Content:
    """Read a folder, or its ``data.yaml``.

    Raises
    ------
    InputError, UsageError
        It has no names or labels, one is broken, or its splits are not clear.
    """
    layout = layout_of(source, reading.split)
    notes = Notes()
    for note in layout.notes:
        notes.add(note)
    root = layout.root
    labels = _Labels(layout.names, layout.poses, read_flags(root), root, notes)
    pictures, read_files = _pictures(layout, labels)
    if not read_files:
        raise InputError(
            "The source has no labels",
            where=source,
            expected="labels/….txt beside images, or ….txt beside pictures",
        )
    name_pictures(pictures)
    kept = [file for file in (layout.names_file, root / FLAGS_FILE) if file.is_file()]
    return Content(numbered(layout.names), pictures, layout.split, notes, [*read_files, *kept])


def _pictures(layout: Layout, labels: _Labels) -> tuple[list[Picture], list[Path]]:
    pictures, used = [], []
    for file in layout.pictures:
        places = label_files(file)
        found = next((place for place in places if place.is_file()), None)
        picture = Picture(file.name, file if not layout.listed or file.is_file() else None)
        pictures.append(picture)
        if found is None:
            labels.notes.add(BACKGROUND, file.name)
            continue
        used.append(found)
        picture.boxes = _boxes(found, picture, labels)
    if not layout.listed:
        for lonely in _without_picture(used, layout.pictures):
            picture = Picture(f"{lonely.stem}.jpg", None)
            picture.boxes = _boxes(lonely, picture, labels)
            pictures.append(picture)
            used.append(lonely)
    return pictures, used


def label_files(picture: Path) -> list[Path]:
    """Where a picture's labels may be, the likeliest first."""
    stem = os.path.splitext(picture)[0]  # noqa: PTH122 - many times faster, and there may be many
    beside = Path(f"{stem}.txt")
    before, images, behind = stem.rpartition("/images/")
    return [Path(f"{before}/labels/{behind}.txt"), beside] if images else [beside]


def _without_picture(used: Iterable[Path], pictures: Iterable[Path]) -> list[Path]:
    """Label files in the same folders that belong to no picture."""
    known = set(used)
    folders = {place.parent for picture in pictures for place in label_files(picture)[:1]}
    folders |= {file.parent for file in known}
    there = [
        file for place in sorted(folders) if place.is_dir() for file in files_in(place, ".txt", deep=False)
    ]
    return [file for file in there if file not in known and file.stem not in NONE_OF_THEM]


def _boxes(file: Path, picture: Picture, labels: _Labels) -> list[Box]:
    lines = read_text(file).splitlines()
    known = labels.flags.get(_relative(file, labels.root), {}) if labels.flags else {}
    if not any(line.strip() for line in lines):
        return []
    size = scale(picture)
    found = []
    for index, line in enumerate(lines, 1):
        if line.strip():
            found.append(_box(f"{file}:{index}", line.split(), size, labels))
            found[-1].flags = known.get(index, 0)
    return found


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if root in file.parents else file.as_posix()


def _box(where: str, fields: Sequence[str], size: tuple[int, int], labels: _Labels) -> Box:
    if len(fields) == BOX_FIELDS + 1 and not labels.poses:
        raise fault(
            where, "class x y width height", "6 numbers", "with a score these are detections, not labels"
        )
    if len(fields) < BOX_FIELDS:
        raise fault(where, "class x y width height", " ".join(fields))
    name = _name(where, fields[0], labels.names)
    values = [fraction(where, field) for field in fields[1 : BOX_FIELDS if labels.poses else None]]
    if labels.poses or len(fields) == BOX_FIELDS:
        if labels.poses and len(fields) > BOX_FIELDS:
            labels.notes.add(POSES, where)
        return _scaled(where, name, values, size)
    if len(values) % 2:
        raise fault(where, "pairs of x and y", f"{len(values)} numbers")
    labels.notes.add(POLYGONS, where)
    return around(name, [x * size[0] for x in values[::2]], [y * size[1] for y in values[1::2]])


def _name(where: str, field: str, names: Sequence[str]) -> str:
    index = number(where, field)
    if not index.is_integer() or not 0 <= index < len(names):
        raise fault(where, f"a class from 0 to {len(names) - 1}", field)
    return names[int(index)]


def _scaled(where: str, name: str, values: Sequence[float], size: tuple[int, int]) -> Box:
    x, y, width, height = values
    if width < 0 or height < 0:
        raise fault(where, "width and height not below 0", f"{width:g} and {height:g}")
    (across, down) = size
    left, top = x * across - width * across / 2, y * down - height * down / 2
    return Box(name, rounded(left), rounded(top), rounded(width * across), rounded(height * down))


def write(content: Content, target: Folder) -> None:
    """Write Ultralytics' layout: ``data.yaml``, ``images/SPLIT``, ``labels/SPLIT``.

    Its text has no place for flags: ``flags.csv`` keeps them for this project's own reader.

    Raises
    ------
    UsageError
        Two pictures would have one label file.
    """
    split = split_key(content.split)
    classes = {name: index for index, name in enumerate(content.categories)}
    flagged: list[tuple[str, int, str, str]] = []
    for stem, picture in by_stem(content.pictures, "label file"):
        target.picture(picture, f"images/{split}/{picture.name}")
        label = f"labels/{split}/{stem}.txt"
        lines = [_line(box, classes, picture) for box in picture.boxes]
        target.text(label, "".join(f"{line}\n" for line in lines))
        for index, (box, line) in enumerate(zip(picture.boxes, lines, strict=True), 1):
            if box.flags:
                flagged.append((label, index, line, " ".join(flag_names(box.flags))))
    # Ultralytics' loader wants both of these keys.
    places = dict.fromkeys(dict.fromkeys(("train", "val", split)), f"images/{split}")
    settings = {"path": ".", **places, "names": dict(enumerate(content.categories))}
    target.text("data.yaml", yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=10**6))
    if flagged:
        content.notes.add(
            f"flags that YOLO has no place for, kept in {FLAGS_FILE}", flagged[0][0], len(flagged)
        )
        write_flags(target, flagged)


def split_key(split: str | None) -> str:
    """The one of YOLO's three splits that a name is of."""
    return next((key for key in ("train", "test") if (split or "").startswith(key)), "val")


def _line(box: Box, classes: dict[str, int], picture: Picture) -> str:
    across, down = picture.width, picture.height
    values = (
        (box.x + box.width / 2) / across,
        (box.y + box.height / 2) / down,
        box.width / across,
        box.height / down,
    )
    return " ".join([str(classes[box.category]), *(NUMBERS.format(value) for value in values)])
