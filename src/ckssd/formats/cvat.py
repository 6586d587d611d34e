"""CVAT XML for images, version 1.1: one file, with the edges of boxes in pixels from 0, and outlines.

Boxes that are turned (``rotation``), polygons, ellipses and masks become the boxes around them; lines,
points, cuboids, skeletons and tags have none. The flags are ``occluded`` and attributes named like those of
``FLAGS`` (``is_crowd``, as CVAT's own COCO export calls it, is ``iscrowd``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from ckssd.errors import InputError
from ckssd.formats.content import FLAGS, OCCLUDED, Box, Content, Notes, Picture, flag_names, numbered, rounded
from ckssd.formats.options import Reading
from ckssd.formats.pictures import PictureIndex, name_pictures
from ckssd.formats.reading import choose_split, fault, number, with_used, wrong_extent
from ckssd.formats.shapes import LEFT_OUT, OUTLINES, around, ellipse, turned
from ckssd.formats.writing import Folder
from ckssd.formats.xml import attributes, elements, tag, text_of

FILE = "annotations.xml"
SIDES = ("xtl", "ytl", "xbr", "ybr")
CROWD = "is_crowd"
YES = ("1", "true", "yes")


def read(source: Path, reading: Reading) -> Content:
    """Read a folder with ``annotations.xml``, or such a file.

    Raises
    ------
    InputError, UsageError
        There is none, it is broken or of a video, or it has several splits.
    """
    file = _file_of(source)
    root = file.parent if not source.is_dir() else source
    notes = Notes()
    names: list[str] = []
    images: list[tuple[str, Picture]] = []
    subset = ""
    for element in elements(file, "annotations", ("image", "label", "subset", "track")):
        if element.tag == "track":
            raise InputError(
                "This is CVAT XML for video", where=file, advice='export the task as "CVAT for images 1.1"'
            )
        if element.tag == "label":
            names.append(text_of(element, "name") or "")
        elif element.tag == "subset":
            subset = (element.text or "").strip()
        else:
            images.append((element.get("subset", subset), _picture(file, element, notes)))
    split = choose_split(list(dict.fromkeys(name for name, _ in images if name)), reading.split, file)
    pictures = [picture for name, picture in images if split in (None, name)]
    if not pictures:
        raise InputError("The annotations have no pictures", where=file, expected="<image> elements")
    _find(pictures, root, split)
    used = {box.category for picture in pictures for box in picture.boxes}
    return Content(numbered(with_used(names, used, file, notes)), pictures, split, notes, [file])


def _file_of(source: Path) -> Path:
    if not source.is_dir():
        return source
    found = [source / FILE] if (source / FILE).is_file() else sorted(source.glob("*.xml"))
    if len(found) != 1:
        got = ", ".join(file.name for file in found[:5]) or "none"
        raise InputError("The folder has no annotations of CVAT", where=source, expected=FILE, got=got)
    return found[0]


def _find(pictures: list[Picture], root: Path, split: str | None) -> None:
    index = PictureIndex(root)
    folders = [root / "images", *([root / "images" / split, root / split] if split else [])]
    for picture in pictures:
        picture.file = index.find(picture.name, folders)
    name_pictures(pictures)


def _picture(file: Path, element: Element, notes: Notes) -> Picture:
    name = element.get("name", "")
    where = f"{file}: image {element.get('id', '?')}"
    if not name:
        raise fault(where, "a name", "none")
    width, height = (int(number(f"{where}: {side}", element.get(side))) for side in ("width", "height"))
    picture = Picture(name, None, width, height)
    for index, shape in enumerate(element, 1):
        box = _box(f"{where}: {shape.tag} {index}", shape, notes)
        if box is not None:
            box.flags = _flags(shape)
            picture.boxes.append(box)
    return picture


def _box(where: str, shape: Element, notes: Notes) -> Box | None:
    read_shape = SHAPES.get(shape.tag)
    if read_shape is None:
        notes.add(LEFT_OUT.format(f"<{shape.tag}>"), where)
        return None
    label = (shape.get("label") or "").strip()
    if not label:
        raise fault(where, "a label", "none")
    return read_shape(where, label, shape, notes)


def _rectangle(where: str, label: str, shape: Element, notes: Notes) -> Box:
    left, top, right, bottom = (number(f"{where}: {side}", shape.get(side)) for side in SIDES)
    for low, high, axis in ((left, right, "x"), (top, bottom, "y")):
        if high < low:
            raise wrong_extent(where, low, high, axis)
    rotation = number(f"{where}: rotation", shape.get("rotation", 0))
    if rotation:
        notes.add(OUTLINES.format("turned boxes"), where)
        return turned(label, (left, top, right, bottom), rotation)
    return around(label, (left, right), (top, bottom))


def _polygon(where: str, label: str, shape: Element, notes: Notes) -> Box:
    points = [point.split(",") for point in (shape.get("points") or "").split(";") if point.strip()]
    if len(points) < 3 or any(len(point) != 2 for point in points):
        raise fault(f"{where}: points", "x,y;x,y;x,y at least", shape.get("points"))
    notes.add(OUTLINES.format("polygons"), where)
    xs, ys = ([number(where, point[axis]) for point in points] for axis in (0, 1))
    return around(label, xs, ys)


def _ellipse(where: str, label: str, shape: Element, notes: Notes) -> Box:
    x, y, across, down = (number(f"{where}: {key}", shape.get(key)) for key in ("cx", "cy", "rx", "ry"))
    notes.add(OUTLINES.format("ellipses"), where)
    return ellipse(label, (x, y), (across, down), number(where, shape.get("rotation", 0)))


def _mask(where: str, label: str, shape: Element, notes: Notes) -> Box:
    left, top, width, height = (
        number(f"{where}: {key}", shape.get(key)) for key in ("left", "top", "width", "height")
    )
    notes.add(OUTLINES.format("masks"), where)
    return around(label, (left, left + width), (top, top + height))


SHAPES: dict[str, Callable[[str, str, Element, Notes], Box]] = {
    "box": _rectangle,
    "polygon": _polygon,
    "ellipse": _ellipse,
    "mask": _mask,
}


def _flags(shape: Element) -> int:
    set_here = {
        (one.get("name") or "").lower()
        for one in shape.iter("attribute")
        if (one.text or "").strip().lower() in YES
    }
    flags = sum(bit for flag, bit in FLAGS.items() if flag in set_here)
    flags |= FLAGS["iscrowd"] if CROWD in set_here else 0
    return flags | (OCCLUDED if shape.get("occluded") == "1" else 0)


def write(content: Content, target: Folder) -> None:
    """Write ``annotations.xml`` and ``images/``."""
    for picture in {picture.name: picture for picture in content.pictures}.values():
        target.picture(picture, f"images/{picture.name}")
    with target.opened(FILE) as file:
        for line in _lines(content):
            file.write(f"{line}\n")


def _lines(content: Content) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield f"  {tag('version', '1.1')}"
    labels = "".join(
        f"<label>{tag('name', name)}<attributes></attributes></label>" for name in content.categories
    )
    yield f"  <meta><task><labels>{labels}</labels></task></meta>"
    subset = {"subset": content.split} if content.split else {}
    for index, picture in enumerate(content.pictures):
        sizes = {"width": picture.width, "height": picture.height}
        yield f"  <image{attributes(id=index, name=picture.name, **subset, **sizes)}>"
        yield from map(_line, picture.boxes)
        yield "  </image>"
    yield "</annotations>"


def _line(box: Box) -> str:
    edges = (box.x, box.y, box.x + box.width, box.y + box.height)
    sides = {side: rounded(edge) for side, edge in zip(SIDES, edges, strict=True)}
    start = attributes(label=box.category, source="manual", occluded=int(bool(box.flags & OCCLUDED)), **sides)
    inside = "".join(
        f"<attribute{attributes(name=CROWD if flag == 'iscrowd' else flag)}>true</attribute>"
        for flag in flag_names(box.flags & ~OCCLUDED)
    )
    return f"    <box{start}{attributes(z_order=0)}>{inside}</box>"
