"""COCO's instances: one JSON file a split, pictures in a folder beside it.

Boxes are kept as they are. Beyond ``iscrowd``, annotations may have the flags of ``FLAGS`` as keys of the
same names (``"difficult": 1``), which COCO itself does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ckssd.coco.instances import Instances, parse_instances
from ckssd.coco.layout import FOLDERS_OF_ANNOTATIONS, FOLDERS_OF_IMAGES, annotations_in
from ckssd.formats.content import FLAGS, Box, Content, Notes, Picture, flag_names
from ckssd.formats.options import Reading
from ckssd.formats.pictures import PictureIndex
from ckssd.formats.reading import choose_split, read_bytes
from ckssd.formats.writing import Folder

PREFIX, ROBOFLOW = "instances_", "_annotations.coco.json"
NO_SPLIT = ("default", "all")
OUTLINES = "outlines (segmentation) left out: only boxes are kept"
AS_FLOAT = (1, True)


def read(source: Path, reading: Reading) -> Content:
    """Read an instances file, or the one of a split in a folder.

    Raises
    ------
    InputError, UsageError
        There is none, several without a split, or it is broken.
    """
    file, split = _file_of(source, reading.split)
    root = _root(source, file)
    stem = file.stem.removeprefix(PREFIX)
    folders = [root / "images" / stem, *(root / name for name in (*FOLDERS_OF_IMAGES, stem)), file.parent]
    return _read(file, PictureIndex(root), folders, split)


def read_pair(annotations: Path, images: Path) -> Content:
    """Read an instances file whose pictures are in a known folder.

    Raises
    ------
    InputError
        The file is missing or broken.
    """
    return _read(annotations, PictureIndex(images), [images], _split_of(annotations))


def _read(file: Path, index: PictureIndex, folders: list[Path], split: str | None) -> Content:
    found = parse_instances(file, read_bytes(file))
    notes = Notes()
    for note in found.notes:
        notes.add(note)
    return _content(found, index, folders, split, notes, file)


def _root(source: Path, file: Path) -> Path:
    if source.is_dir() and file.name != ROBOFLOW:
        return source
    beside = file.parent
    return beside.parent if beside.name.lower() in FOLDERS_OF_ANNOTATIONS else beside


def _file_of(source: Path, asked: str | None) -> tuple[Path, str | None]:
    if not source.is_dir():
        own = _split_of(source)
        return source, choose_split([own] if own else [], asked, source)
    known = {file.stem.removeprefix(PREFIX): file for file in _instances(source)}
    known = known or {file.parent.name: file for file in sorted(source.glob(f"*/{ROBOFLOW}"))}
    if not known:
        file = annotations_in(source, advice="name the file itself as the source")
        return file, choose_split([], asked, source)
    if len(known) == 1:
        ((name, file),) = known.items()
        return file, choose_split([] if name in NO_SPLIT else [name], asked, source)
    # One file a split: all of them together would need ids of their own.
    split = choose_split(list(known), asked, source, together=False) or ""
    return known[split], split


def _instances(source: Path) -> Iterator[Path]:
    for place in (*(source / name for name in FOLDERS_OF_ANNOTATIONS), source):
        yield from sorted(place.glob(f"{PREFIX}*.json"))


def _split_of(file: Path) -> str | None:
    if file.name == ROBOFLOW:
        return file.parent.name
    name = file.stem.removeprefix(PREFIX)
    return name if file.name.startswith(PREFIX) and name not in NO_SPLIT else None


def _content(
    found: Instances, index: PictureIndex, folders: list[Path], split: str | None, notes: Notes, file: Path
) -> Content:
    names = {category["id"]: category["name"] for category in found.categories}
    pictures: dict[int, Picture] = {}
    for image in found.images:
        name = image["file_name"]
        there = index.find(name, folders) or index.find(unquote(name), folders)
        pictures[image["id"]] = Picture(
            _inside(there, name, index.root, folders), there, image["width"], image["height"], id=image["id"]
        )
    outlines = 0
    for annotation in found.annotations:
        outlines += bool(annotation.get("segmentation"))
        pictures[annotation["image_id"]].boxes.append(_box(annotation, names))
    if outlines:
        notes.add(OUTLINES, file.name, outlines)
    return Content(
        {name: identity for identity, name in names.items()}, [*pictures.values()], split, notes, [file]
    )


def _inside(file: Path | None, name: str, root: Path, folders: list[Path]) -> str:
    """The name of a picture's file inside the image folder, whatever the annotations call it."""
    if file is None:
        return name
    for place in (*folders, root):
        if (place / name) == file:
            return name
    base = next((place for place in (*folders, root) if place in file.parents), file.parent)
    return file.relative_to(base).as_posix()


def _box(annotation: dict[str, Any], names: dict[int, str]) -> Box:
    x, y, width, height = annotation["bbox"]
    flags = sum(bit for flag, bit in FLAGS.items() if annotation.get(flag) in AS_FLOAT)
    area = annotation["area"]
    return Box(
        names[annotation["category_id"]], x, y, width, height, flags, None if area == width * height else area
    )


def write(content: Content, target: Folder) -> None:
    """Write ``images/`` and ``annotations/instances_SPLIT.json``."""
    for picture in {picture.name: picture for picture in content.pictures}.values():
        target.picture(picture, f"images/{picture.name}")
    write_instances(content, target, f"annotations/{PREFIX}{content.split or NO_SPLIT[0]}.json")


def write_instances(content: Content, target: Folder, path: str) -> None:
    """Write the instances file; ids are those that pictures have, else from 1 in their order."""
    numbered = [(picture.id or index, picture) for index, picture in enumerate(content.pictures, 1)]
    if any(picture.id is not None for picture in content.pictures):
        numbered = [(index if picture.id is None else picture.id, picture) for index, picture in numbered]
    with target.opened(path) as file:
        for start, entries in (
            ('{\n"images": [', _images(numbered)),
            ('],\n"categories": [', _categories(content.categories)),
            ('],\n"annotations": [', _annotations(numbered, content.categories)),
        ):
            file.write(start)
            for index, entry in enumerate(entries):
                file.write(",\n" if index else "\n")
                file.write(json.dumps(entry, ensure_ascii=False))
        file.write("]\n}\n")


def _images(numbered: list[tuple[int, Picture]]) -> Iterator[dict[str, Any]]:
    for identity, picture in numbered:
        yield {"id": identity, "file_name": picture.name, "width": picture.width, "height": picture.height}


def _categories(categories: dict[str, int]) -> Iterator[dict[str, Any]]:
    for name, identity in categories.items():
        yield {"id": identity, "name": name}


def _annotations(numbered: list[tuple[int, Picture]], categories: dict[str, int]) -> Iterator[dict[str, Any]]:
    count = 0
    for identity, picture in numbered:
        for box in picture.boxes:
            count += 1
            yield {
                "id": count,
                "image_id": identity,
                "category_id": categories[box.category],
                "bbox": [box.x, box.y, box.width, box.height],
                "area": box.width * box.height if box.area is None else box.area,
                "iscrowd": int(bool(box.flags & FLAGS["iscrowd"])),
                **{flag: 1 for flag in flag_names(box.flags) if flag != "iscrowd"},
            }
