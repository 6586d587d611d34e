"""Each format broken in ten ways: one clear line that names the place, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import CkssdError
from ckssd.formats.names import FORMATS
from tests.formats.test_reading import Copied, read

Break = Callable[[Path], None]
BREAKS: list[tuple[str, str, Break, str]] = []


def change_text(pattern: str, old: str, new: str) -> Break:
    """Replace a text once in the first file that a pattern fits."""

    def change(folder: Path) -> None:
        file = sorted(folder.glob(pattern))[0]
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    return change


def change_json(pattern: str, edit: Callable[[dict[str, Any]], object]) -> Break:
    def change(folder: Path) -> None:
        file = sorted(folder.glob(pattern))[0]
        content = json.loads(file.read_text())
        edit(content)
        file.write_text(json.dumps(content))

    return change


def add(name: str, cases: dict[str, tuple[Break, str]]) -> None:
    for way, (change, said) in cases.items():
        BREAKS.append((name, way, change, said))


def first(pattern: str, do: Callable[[Path], object]) -> Break:
    return lambda folder: (do(sorted(folder.glob(pattern))[0]), None)[1]


def every(pattern: str, do: Callable[[Path], object]) -> Break:
    return lambda folder: ([do(file) for file in sorted(folder.glob(pattern))], None)[1]


def replace(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def whole_image(file: Path) -> None:
    from PIL import Image

    Image.new("RGB", (7, 5)).save(file)


def of_pictures(pattern: str) -> dict[str, tuple[Break, str]]:
    """What can be wrong with pictures in every format."""
    return {
        "a picture is missing": (first(pattern, Path.unlink), "A picture is missing"),
        "all pictures are missing": (every(pattern, Path.unlink), "pictures"),
        "a picture is no picture": (first(pattern, lambda file: file.write_bytes(b"no")), "cannot be read"),
    }


OTHER_SIZE = "The annotations do not fit the picture"
XML, VOC_PICTURES = "Annotations/*.xml", "JPEGImages/*.jpg"
add(
    "voc",
    {
        **of_pictures(VOC_PICTURES),
        "a picture has another size": (first(VOC_PICTURES, whole_image), OTHER_SIZE),
        "an XML is cut short": (first(XML, cut), "are no XML"),
        "an entity": (
            change_text(XML, "<annotation>", '<!DOCTYPE a [<!ENTITY x "y">]><annotation>'),
            "document type",
        ),
        "another root": (
            first(XML, lambda file: file.write_text("<svg/>")),
            "expected <annotation>, got <svg>",
        ),
        "xmax before xmin": (change_text("Annotations/*.xml", "<xmax>", "<xmax>-9"), "object 1"),
        "no number": (change_text(XML, "<ymin>", "<ymin>one"), "ymin"),
        "no name": (every(XML, lambda file: replace(file, "name>", "nom>")), "expected a <name>"),
        "no box": (every(XML, lambda file: replace(file, "bndbox", "box")), "expected a <bndbox>"),
        "a set names what is not there": (
            first("ImageSets/Main/val.txt", lambda file: file.write_text("nothing\n")),
            "nothing",
        ),
        "no XML at all": (every(XML, Path.unlink), "not there"),
        "no UTF-8": (
            first(XML, lambda file: file.write_bytes(b"<annotation>\xff</annotation>")),
            "are no XML",
        ),
    },
)
LABELS, YOLO_PICTURES = "labels/val/*.txt", "images/val/*.jpg"


def label(text: str) -> Break:
    return first(LABELS, lambda file: file.write_text(text))


add(
    "yolo",
    {
        **of_pictures(YOLO_PICTURES),
        "pixels": (label("0 120 80 40 40\n"), "fractions of the picture's sides"),
        "a class too many": (label("6 0.5 0.5 0.1 0.1\n"), "a class from 0 to 5"),
        "a class by name": (label("circle 0.5 0.5 0.1 0.1\n"), ":1"),
        "three numbers": (label("\n0 0.5 0.5\n"), ":2"),
        "detections": (label("0 0.5 0.5 0.1 0.1 0.9\n"), "detections"),
        "a width below zero": (label("0 0.5 0.5 -0.01 0.1\n"), "not below 0"),
        "not a number": (label("0 nan 0.5 0.1 0.1\n"), "a number"),
        "an outline of odd numbers": (label("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4\n"), "pairs"),
        "no text": (first(LABELS, lambda file: file.write_bytes(b"0 0.5\x00\xff")), "no text"),
        "another number of classes": (change_text("data.yaml", "nc: 6", "nc: 7"), "number of names"),
        "a key twice": (change_text("data.yaml", "nc: 6", "nc: 6\nnc: 6"), "twice"),
        "lists without end": (first("data.yaml", lambda file: file.write_text("[" * 100_000)), "100 deep"),
        "no YAML": (first("data.yaml", lambda file: file.write_text("names: [a\n")), "no YAML"),
        "a name that is a switch": (change_text("data.yaml", "circle", "no"), "quotation marks"),
        "a split that is not there": (
            change_text("data.yaml", "images/val", "images/test"),
            "split is not there",
        ),
        "no names": (first("data.yaml", Path.unlink), "no class names"),
        "a name twice": (change_text("data.yaml", "circle", "square"), "each name once"),
        "no labels": (every(LABELS, Path.unlink), "no labels"),
    },
)
FILE, COCO_PICTURES = "annotations/*.json", "images/*.jpg"
add(
    "coco",
    {
        **of_pictures(COCO_PICTURES),
        "a picture has another size": (first(COCO_PICTURES, whole_image), OTHER_SIZE),
        "cut short": (first(FILE, cut), "no JSON"),
        "no categories": (change_json(FILE, lambda content: content.pop("categories")), "categories"),
        "a box of three": (
            change_json(FILE, lambda content: content["annotations"][0]["bbox"].pop()),
            "bbox",
        ),
        "an unknown picture": (
            change_json(FILE, lambda c: c["annotations"][0].update(image_id=99)),
            "image_id",
        ),
        "an unknown category": (
            change_json(FILE, lambda c: c["annotations"][0].update(category_id=99)),
            "category_id",
        ),
        "an id twice": (
            change_json(FILE, lambda content: content["images"][1].update(id=content["images"][0]["id"])),
            "images[1].id",
        ),
        "a name twice": (
            change_json(FILE, lambda c: c["categories"][0].update(name="cross")),
            "categories[5]",
        ),
        "detections": (first(FILE, lambda file: file.write_text('[{"score": 1}]')), "detections"),
        "no file": (every(FILE, Path.unlink), "no annotations"),
    },
)


CVAT = "annotations.xml"
add(
    "cvat",
    {
        **of_pictures("images/*.jpg"),
        "a picture has another size": (first("images/*.jpg", whole_image), OTHER_SIZE),
        "cut short": (first(CVAT, cut), "no XML"),
        "an entity": (change_text(CVAT, "<annotations>", "<!DOCTYPE a><annotations>"), "document type"),
        "another format": (
            first(CVAT, lambda file: file.write_text("<annotation/>")),
            "expected <annotations>",
        ),
        "of a video": (change_text(CVAT, "<image ", "<track/><image "), "for video"),
        "no label": (change_text(CVAT, 'box label="', 'box tag="'), "a label"),
        "no number": (change_text(CVAT, 'xtl="', 'xtl="x'), "xtl"),
        "right before left": (change_text(CVAT, 'xbr="', 'xbr="-'), "xmax not below xmin"),
        "no points": (
            change_text(CVAT, "<polyline ", '<polygon points="1,2" label="a"/><polyline '),
            "points",
        ),
        "no pictures": (change_text(CVAT, "<image ", "</annotations><image "), "no XML"),
        "no name": (change_text(CVAT, ' name="', ' title="'), "a name"),
        "no file": (first(CVAT, Path.unlink), "no annotations of CVAT"),
    },
)
JSON = "*.json"


def shape(**values: object) -> Break:
    return change_json(JSON, lambda content: content["shapes"][0].update(values))


add(
    "labelme",
    {
        **of_pictures("*.jpg"),
        "a picture has another size": (first("*.jpg", whole_image), OTHER_SIZE),
        "cut short": (first(JSON, cut), "no JSON"),
        "no shapes": (change_json(JSON, lambda content: content.pop("shapes")), "shapes"),
        "no label": (shape(label=""), "shapes[0].label"),
        "one point": (shape(points=[[1, 2]]), "at least"),
        "points of three": (shape(points=[[1, 2, 3]] * 4), "[x, y]"),
        "points as text": (shape(points=[["a", "b"]] * 4), "a number"),
        "an unknown shape": (shape(shape_type="cube"), "shape_type"),
        "flags as a list": (shape(flags=["iscrowd"]), "flags"),
        "half a pixel": (change_json(JSON, lambda content: content.update(imageWidth=100.5)), "whole pixels"),
        "no files": (every(JSON, Path.unlink), "no annotations of LabelMe"),
    },
)
TABLE = "validation-annotations-bbox.csv"
DESCRIBED = "class-descriptions-boxable.csv"


def cell(column: int, text: str) -> Break:
    """Change a cell of the first row."""

    def change(folder: Path) -> None:
        lines = (folder / TABLE).read_text().splitlines()
        cells = lines[1].split(",")
        cells[column] = text
        lines[1] = ",".join(cells)
        (folder / TABLE).write_text("\n".join(lines))

    return change


add(
    "openimages",
    {
        **of_pictures("validation/*.jpg"),
        "a column less": (change_text(TABLE, "XMax", "Right"), "a column XMax"),
        "a cell less": (first(TABLE, cut), "columns"),
        "pixels": (cell(5, "120"), "fractions"),
        "no number": (cell(4, ""), ":2: XMin"),
        "right before left": (cell(5, "-0.001"), "not below"),
        "no class": (cell(2, ""), "a LabelName"),
        "a flag of 2": (cell(10, "2"), "IsGroupOf"),
        "a flag as text": (cell(10, "yes"), "IsGroupOf"),
        "no text": (first(TABLE, lambda file: file.write_bytes(b"\xff\xfe\x00")), "UTF-8"),
        "a code twice": (first(DESCRIBED, lambda file: file.write_text("/m/01k,a\n/m/01k,b\n")), "once"),
        "a class without name": (first(DESCRIBED, lambda file: file.write_text("/m/01k\n")), "a name"),
        "a picture of the list is missing": (
            change_text("validation-images-with-rotation.csv", "\n", "\nzzz,validation\n"),
            "zzz",
        ),
        "no table": (first(TABLE, Path.unlink), "no table of boxes"),
    },
)


@pytest.mark.parametrize(
    ("name", "way", "change", "said"), BREAKS, ids=[f"{one[0]}: {one[1]}" for one in BREAKS]
)
def test_a_broken_source_is_one_clear_line(
    name: str, way: str, change: Break, said: str, copy_of: Copied
) -> None:
    folder = copy_of(name)
    change(folder)
    with pytest.raises(CkssdError) as found:
        read(name, folder)
    assert said in str(found.value), way
    assert len(str(found.value).splitlines()) == 1


def test_every_format_is_broken_in_ten_ways() -> None:
    for name in FORMATS:
        assert len({way for one, way, *_ in BREAKS if one == name}) >= 10, name
