"""Annotations as tools write them, put into COCO's format; each thing that was assumed becomes one note.

Only what has one meaning is put right here. What contradicts itself stays as it is, and the checks of
ckssd.coco.instances refuse it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ckssd.coco.flag_names import FLAGS

UNKNOWN_SIZE = 0  # of an image's width or height: the picture's own counts
UNKNOWN_SIZES = (None, 0, -1)  # as tools write it
WHOLE = re.compile(r"\s*([+-]?[0-9]{1,18})(\.0*)?\s*")
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
PLACES_OF_A_NAME = ("path", "coco_url")
WEB = ("http://", "https://", "s3://", "gs://")  # Labelbox and cloud stores

Entries = list[Any]


def complete(images: Entries, categories: Entries, annotations: Entries) -> list[str]:
    """Put in what is left out, change what is written in another way; return a note for each assumption.

    The lists' objects are changed. A size that is not known becomes ``UNKNOWN_SIZE``.
    """
    images, categories, annotations = map(_objects, (images, categories, annotations))
    return [
        *_read_ids(images=images, categories=categories, annotations=annotations),
        *_read_numbers(images, annotations),
        *_name_files(images),
        *_leave_sizes_to_pictures(images),
        *_number_annotations(annotations),
        *_fill_areas(annotations),
        *_fill_crowds(annotations),
    ]


def whole_number(value: Any) -> Any:
    """An id as an integer where it is one, such as ``"12"`` or ``1.0``; anything else as it is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (found := WHOLE.fullmatch(value)):
        return int(found[1])
    return value


def number(value: Any) -> Any:
    """A number that is written as text as a number; anything else as it is."""
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return value
    whole = whole_number(value)
    return float(value) if isinstance(whole, str) else whole


def of(count: int, name: str) -> str:
    """``1 image`` or ``20 images``, ``1 category`` or ``2 categories``."""
    if count == 1:
        return f"1 {name}"
    return f"{count} {name[:-1]}ies" if name.endswith("y") else f"{count} {name}s"


def _objects(entries: Entries) -> Entries:
    return [entry for entry in entries if isinstance(entry, dict)]


def _read_ids(**lists: Entries) -> Iterator[str]:
    changed: Counter[str] = Counter()
    for place, entries in lists.items():
        keys = ("id", "image_id", "category_id") if place == "annotations" else ("id",)
        for entry in entries:
            changed[place] += _change(entry, keys, whole_number)
    if +changed:
        where = ", ".join(f"{count} {place}" for place, count in (+changed).items())
        yield f"ids written as text or with a decimal point were read as whole numbers (of {where})"


def _read_numbers(images: Entries, annotations: Entries) -> Iterator[str]:
    changed: Counter[str] = Counter()
    for image in images:
        _change(image, ("width", "height"), _without_fraction)
        changed["image"] += _change(image, ("width", "height"), number)
    for annotation in annotations:
        in_box = False
        box = annotation.get("bbox")
        if isinstance(box, list) and any(isinstance(value, str) for value in box[:4]):
            annotation["bbox"] = [number(value) for value in box]
            in_box = annotation["bbox"] != box
        changed["annotation"] += _change(annotation, ("area", "iscrowd", *FLAGS), number) or in_box
    if +changed:
        where = ", ".join(of(count, place) for place, count in (+changed).items())
        yield f"numbers written as text were read as numbers (of {where})"


def _without_fraction(value: Any) -> Any:
    """A size such as 640.0 as 640, which is the same number."""
    return whole_number(value) if isinstance(value, float) else value


def _change(entry: dict[str, Any], keys: Sequence[str], read: Any) -> bool:
    """Read the values of these keys anew; whether one changed its type."""
    changed = False
    for key in keys:
        if key in entry:
            value = read(entry[key])
            changed |= type(value) is not type(entry[key])
            entry[key] = value
    return changed


def _name_files(images: Entries) -> Iterator[str]:
    """The name of an image's file from its path or address, where ``file_name`` is missing or an address."""
    named: Counter[str] = Counter()
    addresses = 0
    for image in images:
        given = image.get("file_name")
        if given is not None:
            if isinstance(given, str) and given.startswith(WEB) and (name := _file_in(given)):
                image["file_name"] = name
                addresses += 1
            continue
        for key in PLACES_OF_A_NAME:
            if isinstance(image.get(key), str) and (name := _file_in(image[key])):
                image["file_name"] = name
                named[key] += 1
                break
    for key, count in named.items():
        yield f"{of(count, 'image')} without file_name: {key} was taken"
    if addresses:
        yield f"{of(addresses, 'image')} with an address as file_name: the name at its end was taken"


def _file_in(address: str) -> str:
    """The name at the end of a web address, or a path as it is."""
    if not address.startswith(WEB):
        return address
    try:
        return PurePosixPath(unquote(urlsplit(address).path)).name
    except ValueError:
        return ""


def _leave_sizes_to_pictures(images: Entries) -> Iterator[str]:
    count = 0
    for image in images:
        unknown = [
            key
            for key in ("width", "height")
            if not isinstance(image.get(key), bool) and image.get(key) in UNKNOWN_SIZES
        ]
        image.update(dict.fromkeys(unknown, UNKNOWN_SIZE))
        count += bool(unknown)
    if count:
        yield f"{of(count, 'image')} without width or height (missing, 0 or -1): the picture's own size holds"


def _number_annotations(annotations: Entries) -> Iterator[str]:
    without = [annotation for annotation in annotations if annotation.get("id") is None]
    if without:
        given = [entry["id"] for entry in annotations if isinstance(entry.get("id"), int)]
        first = max([0, *given]) + 1
        for identity, annotation in enumerate(without, first):
            annotation["id"] = identity
        yield f"{of(len(without), 'annotation')} without id: numbered from {first}"


def _fill_areas(annotations: Entries) -> Iterator[str]:
    count = 0
    for annotation in annotations:
        if annotation.get("area") is None and is_box(annotation.get("bbox")):
            _, _, width, height = annotation["bbox"]
            annotation["area"] = width * height
            count += 1
    if count:
        yield f"{of(count, 'annotation')} without area: width x height of the box was taken"


def _fill_crowds(annotations: Entries) -> Iterator[str]:
    without = [annotation for annotation in annotations if annotation.get("iscrowd") is None]
    for annotation in without:
        annotation["iscrowd"] = 0
    if without:
        yield f"{of(len(without), 'annotation')} without iscrowd: 0 (a single object) was taken"


def is_number(value: Any) -> bool:
    """A finite number that can be a coordinate."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12


def is_box(value: Any) -> bool:
    """[x, y, width, height] of numbers, width and height not negative."""
    return isinstance(value, list) and len(value) == 4 and all(map(is_number, value)) and min(value[2:]) >= 0
