"""Pascal VOC: an XML file a picture, as VOCdevkit, LabelImg, CVAT and Roboflow write them.

Corners are whole pixels counted from 1 and inside the box (VOC2012 development kit, section "annotation"):
``x = xmin - 1`` and ``width = xmax - xmin + 1``. Tools that count from 0 and mean the edges
(``x = xmin``, ``width = xmax - xmin``) are read by ``--first-pixel 0``. VOC2012 has corners with decimals,
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from ckssd.errors import InputError, short
from ckssd.formats.content import FLAGS, Box, Content, Notes, Picture, flag_names, numbered, rounded
from ckssd.formats.options import Reading
from ckssd.formats.pictures import PictureIndex, name_pictures
from ckssd.formats.reading import (
    ALL,
    choose_split,
    fault,
    files_in,
    folder,
    number,
    read_list,
    with_used,
    wrong_extent,
)
from ckssd.formats.writing import Folder, by_stem
from ckssd.formats.xml import elements, tag, text_of

ANNOTATIONS, PICTURES, SETS = "Annotations", "JPEGImages", "ImageSets/Main"
LABELS = ("labels.txt", "classes.txt")
SIDES = ("xmin", "ymin", "xmax", "ymax")
BEFORE_THE_FIRST = "corners at 0: VOC's first pixel is 1; if this tool's is 0, read it so: --first-pixel 0"
YES = ("1", "true", "yes")


def read(source: Path, reading: Reading) -> Content:
    """Read a folder of VOC's annotations.

    Raises
    ------
    InputError, UsageError
        It has none, one is broken, or its splits are not clear.
    """
    place = folder(source, (ANNOTATIONS, "annotations", "labels")) or source
    files = files_in(place, ".xml")
    sets = _sets(source)
    split = choose_split(list(sets), reading.split, source)
    if split is not None and sets:
        files = _of_set(place, files, sets[split], split)
    if not files:
        raise InputError("The folder has no annotations", where=source, expected="Annotations/….xml or ….xml")
    notes = Notes()
    index = PictureIndex(source)
    folders = [source / name for name in (PICTURES, "images", "JPEGImage")]
    pictures = [_picture(file, place, index, folders, reading.first_pixel, notes) for file in files]
    name_pictures(pictures)
    listed = next((path for name in LABELS if (path := source / name).is_file()), None)
    used = {box.category for picture in pictures for box in picture.boxes}
    known = [] if listed is None else read_list(listed)
    categories = numbered(with_used(known, used, listed or source, notes))
    read_files = [*files, *([listed] if listed else [])]
    return Content(categories, pictures, split, notes, read_files)


def _sets(source: Path) -> dict[str, Path]:
    """The image sets: lists of names. Those with a mark behind each (``cat_train.txt``) are of one class."""
    place = source / SETS
    found: dict[str, Path] = {}
    for file in files_in(place, ".txt", deep=False) if place.is_dir() else ():
        lines = read_list(file)
        if (
            not all(len(line.split()) == 2 and line.split()[1] in ("-1", "0", "1") for line in lines)
            or not lines
        ):
            found[file.stem] = file
    return {} if list(found) == [ALL] else found


def _of_set(place: Path, files: Sequence[Path], listed: Path, split: str) -> list[Path]:
    by_name = {file.relative_to(place).with_suffix("").as_posix(): file for file in files}
    chosen = []
    for line in read_list(listed):
        file = by_name.get(line) or by_name.get(PurePosixPath(line).with_suffix("").as_posix())
        if file is None:
            raise InputError(
                f"The split {short(split)} names an annotation that is not there",
                where=f"{listed}: {short(line)}",
                expected=f"{short(line)}.xml in {place}",
            )
        chosen.append(file)
    return list(dict.fromkeys(chosen))


def _picture(
    file: Path, place: Path, index: PictureIndex, folders: Sequence[Path], first: int, notes: Notes
) -> Picture:
    picture = Picture("", None)
    name = ""
    for element in elements(file, "annotation", ("filename", "size", "object", "segmented")):
        if element.tag == "filename":
            name = (element.text or "").strip()
        elif element.tag == "size":
            picture.width, picture.height = _size(file, element)
        elif element.tag == "object":
            picture.boxes.append(_box(f"{file}: object {len(picture.boxes) + 1}", element, first, notes))
    stem = file.relative_to(place).with_suffix("").as_posix()
    near = [*folders, file.parent]
    picture.file, picture.name = _file(stem, name, index, near), name or f"{stem}.jpg"
    return picture


def _file(stem: str, name: str, index: PictureIndex, near: Sequence[Path]) -> Path | None:
    """The XML's own name goes first: copies keep that of the file they were made from in <filename>."""
    if name and PurePosixPath(name).stem == PurePosixPath(stem).name:
        found = index.find(str(PurePosixPath(stem).with_name(PurePosixPath(name).name)), near)
        if found is not None:
            return found
    return index.find_stem(stem, near) or (index.find(name, near) if name else None)


def _size(file: Path, element: Element) -> tuple[int, int]:
    where = f"{file}: size"
    sides = [number(where, text_of(element, side) or 0) for side in ("width", "height")]
    if any(side < 0 or not side.is_integer() for side in sides):
        raise fault(where, "whole pixels", "x".join(f"{side:g}" for side in sides))
    return int(sides[0]), int(sides[1])


def _box(where: str, element: Element, first: int, notes: Notes) -> Box:
    texts = {child.tag: (child.text or "").strip() for child in element}
    name = texts.get("name")
    if not name:
        raise fault(where, "a <name>", "none")
    corners = element.find("bndbox")
    if corners is None:
        raise fault(where, "a <bndbox>", "none")
    x0, y0, x1, y1 = (number(f"{where}: {side}", text_of(corners, side)) for side in SIDES)
    for low, high, axis in ((x0, x1, "x"), (y0, y1, "y")):
        if high - low + first < 0:  # less than a pixel wide is possible where corners have decimals
            raise wrong_extent(where, low, high, axis)
    if first and min(x0, y0) < 1:
        notes.add(BEFORE_THE_FIRST, where)
    if "part" in texts:
        notes.add("boxes of <part>s left out", where)
    flags = sum(bit for flag, bit in FLAGS.items() if texts.get(flag, "0").lower() in YES)
    return Box(
        name,
        rounded(x0 - first),
        rounded(y0 - first),
        rounded(x1 - x0 + first),
        rounded(y1 - y0 + first),
        flags,
    )


def write(content: Content, target: Folder) -> None:
    """Write the layout of VOCdevkit, and the classes in ``labels.txt``; corners with decimals where needed.

    Raises
    ------
    UsageError
        Two pictures would have one annotation file.
    """
    names: list[str] = []
    for stem, picture in by_stem(content.pictures, "XML file"):
        names.append(stem)
        target.picture(picture, f"{PICTURES}/{picture.name}")
        target.text(f"{ANNOTATIONS}/{stem}.xml", "\n".join(_lines(picture, content.notes)) + "\n")
    target.lines(f"{SETS}/{content.split or ALL}.txt", names)
    target.lines("labels.txt", content.categories)


def _lines(picture: Picture, notes: Notes) -> Iterator[str]:
    yield "<annotation>"
    yield f"  {tag('filename', PurePosixPath(picture.name).name)}"
    yield f"  <size>{tag('width', picture.width)}{tag('height', picture.height)}{tag('depth', 3)}</size>"
    yield f"  {tag('segmented', 0)}"
    for box in picture.boxes:
        corners = (box.x + 1, box.y + 1, box.x + box.width, box.y + box.height)
        texts = [rounded(corner) for corner in corners]
        if any(isinstance(text, float) for text in texts):
            notes.add(
                "boxes not on whole pixels: written with decimals, which some tools cannot read", picture.name
            )
        yield "  <object>"
        yield f"    {tag('name', box.category)}"
        yield from (
            f"    {tag(flag, 1)}" for flag in flag_names(box.flags) if flag not in ("truncated", "difficult")
        )
        for flag in ("truncated", "difficult"):
            yield f"    {tag(flag, int(bool(box.flags & FLAGS[flag])))}"
        sides = "".join(tag(side, text) for side, text in zip(SIDES, texts, strict=True))
        yield f"    <bndbox>{sides}</bndbox>"
        yield "  </object>"
    yield "</annotation>"
