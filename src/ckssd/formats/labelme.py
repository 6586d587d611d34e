"""LabelMe: a JSON file a picture, with polygons, rectangles and circles in pixels from 0.

Everything becomes the box around it; points and lines have none. ``imageData``, a copy of the picture, is
not read. A shape's ``flags`` with the names of ``FLAGS`` are kept; so is AnyLabeling's ``difficult``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ckssd.errors import InputError
from ckssd.formats.content import (
    DIFFICULT,
    FLAGS,
    Box,
    Content,
    Notes,
    Picture,
    flag_names,
    numbered,
    rounded,
)
from ckssd.formats.options import Reading
from ckssd.formats.pictures import PictureIndex, name_pictures
from ckssd.formats.reading import (
    choose_split,
    fault,
    files_in,
    number,
    read_json_object,
    read_list,
    with_used,
)
from ckssd.formats.shapes import LEFT_OUT, OUTLINES, around
from ckssd.formats.writing import Folder, by_stem

LABELS = "labels.txt"
NO_CLASSES = ("__ignore__", "_background_")  # in LabelMe's own lists
OWN_KEYS = ("shapes", "imagePath", "imageData")
WITHOUT_BOX = ("point", "points", "line", "linestrip")
LEAST_POINTS = {"rectangle": 2, "mask": 2, "circle": 2, "rotation": 3, "polygon": 3}
VERSION = "5.5.0"


def read(source: Path, reading: Reading) -> Content:
    """Read a folder of LabelMe's files.

    Raises
    ------
    InputError
        It has none, or one is broken.
    """
    files = files_in(source, ".json") if source.is_dir() else [source]
    choose_split([], reading.split, source)
    notes = Notes()
    root = source if source.is_dir() else source.parent
    index = PictureIndex(root)
    pictures, used_files = [], []
    for file in files:
        content = read_json_object(file)
        if not any(key in content for key in OWN_KEYS):
            notes.add("JSON files that are not LabelMe's left out", file.name)
            continue
        pictures.append(_picture(file, content, index, notes))
        used_files.append(file)
    if not pictures:
        raise InputError(
            "The folder has no annotations of LabelMe", where=source, expected="….json beside pictures"
        )
    alone = len(index.files) - len({picture.file for picture in pictures if picture.file})
    if alone:
        notes.add(f"pictures without a JSON file left out, as not annotated: {alone}")
    name_pictures(pictures)
    listed = root / LABELS
    names = [name for name in read_list(listed) if name not in NO_CLASSES] if listed.is_file() else []
    used = {box.category for picture in pictures for box in picture.boxes}
    kept = [*used_files, *([listed] if listed.is_file() else [])]
    return Content(numbered(with_used(names, used, listed, notes)), pictures, None, notes, kept)


def _picture(file: Path, content: dict[str, Any], index: PictureIndex, notes: Notes) -> Picture:
    shapes = content.get("shapes")
    if not isinstance(shapes, list):
        raise fault(f"{file}: shapes", "a list", type(shapes).__name__)
    path = content.get("imagePath")
    name = path if isinstance(path, str) and path else f"{file.stem}.jpg"
    found = index.find(name, [file.parent]) or index.find_stem(file.stem, [file.parent])
    picture = Picture(
        PurePosixPath(name.replace("\\", "/")).name,
        found,
        _side(file, content, "imageWidth"),
        _side(file, content, "imageHeight"),
    )
    for number_, shape in enumerate(shapes):
        box = _box(f"{file}: shapes[{number_}]", shape, notes)
        if box is not None:
            picture.boxes.append(box)
    return picture


def _side(file: Path, content: dict[str, Any], key: str) -> int:
    value = content.get(key)
    if value is None:
        return 0
    found = number(f"{file}: {key}", value)
    if found < 0 or not found.is_integer():
        raise fault(f"{file}: {key}", "whole pixels", value)
    return int(found)


def _box(where: str, shape: Any, notes: Notes) -> Box | None:
    if not isinstance(shape, dict):
        raise fault(where, "an object", type(shape).__name__)
    label = shape.get("label")
    if not isinstance(label, str) or not label.strip():
        raise fault(f"{where}.label", "a name", label)
    kind = shape.get("shape_type") or "polygon"
    if kind in WITHOUT_BOX:
        notes.add(LEFT_OUT.format(f"shapes of type {kind}"), where)
        return None
    if kind not in LEAST_POINTS:
        raise fault(f"{where}.shape_type", ", ".join([*LEAST_POINTS, *WITHOUT_BOX]), kind)
    points = _points(f"{where}.points", shape.get("points"), LEAST_POINTS[kind])
    if kind != "rectangle":
        notes.add(OUTLINES.format(f"shapes of type {kind}"), where)
    box = _around(label.strip(), kind, points)
    box.flags = _flags(f"{where}.flags", shape)
    return box


def _points(where: str, points: Any, least: int) -> list[tuple[float, float]]:
    if not isinstance(points, list) or len(points) < least:
        got = len(points) if isinstance(points, list) else type(points).__name__
        raise fault(where, f"at least {least} points", got)
    found = []
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise fault(where, "points [x, y]", point)
        found.append((number(where, point[0]), number(where, point[1])))
    return found


def _around(label: str, kind: str, points: Sequence[tuple[float, float]]) -> Box:
    if kind == "circle":  # its centre, and a point on it
        (x, y), edge = points[0], points[1]
        radius = math.dist(points[0], edge)
        return around(label, (x - radius, x + radius), (y - radius, y + radius))
    return around(label, [x for x, _ in points], [y for _, y in points])


def _flags(where: str, shape: dict[str, Any]) -> int:
    given = shape.get("flags") or {}
    if not isinstance(given, dict):
        raise fault(where, "an object", type(given).__name__)
    found = sum(bit for flag, bit in FLAGS.items() if given.get(flag) is True)
    return found | (DIFFICULT if shape.get("difficult") is True else 0)


def write(content: Content, target: Folder) -> None:
    """Write pictures with a JSON file beside each, and ``labels.txt``.

    Raises
    ------
    UsageError
        Two pictures would have one JSON file.
    """
    for stem, picture in by_stem(content.pictures, "JSON file"):
        target.picture(picture, picture.name)
        written: dict[str, Any] = {
            "version": VERSION,
            "flags": {},
            "shapes": list(_shapes(picture)),
            "imagePath": PurePosixPath(picture.name).name,
            "imageData": None,
            "imageHeight": picture.height,
            "imageWidth": picture.width,
        }
        target.text(f"{stem}.json", json.dumps(written, ensure_ascii=False, indent=1) + "\n")
    target.lines(LABELS, content.categories)


def _shapes(picture: Picture) -> Iterator[dict[str, Any]]:
    for box in picture.boxes:
        right, bottom = rounded(box.x + box.width), rounded(box.y + box.height)
        yield {
            "label": box.category,
            "points": [[box.x, box.y], [right, bottom]],
            "group_id": None,
            "description": "",
            "shape_type": "rectangle",
            "flags": dict.fromkeys(flag_names(box.flags), True),
        }
