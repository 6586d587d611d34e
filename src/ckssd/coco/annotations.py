"""COCO instances files: read, checked, and put in order.

Every fault names the file and the key, such as ``annotations[17].bbox``: a benchmark should not end after an
hour in a KeyError. Images are kept in the order of their ids: "the first n" means the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ckssd.errors import InputError


@dataclass(frozen=True)
class ImageEntry:
    """An image of the data set: its file's name inside the image folder, and its size in pixels."""

    id: int
    file_name: str
    width: int
    height: int


@dataclass(frozen=True)
class Annotations:
    """What a benchmark needs of an instances file.

    ``images`` are sorted by id; ``categories`` is id to name; ``counts`` is category id to number of boxes.
    """

    path: Path
    images: tuple[ImageEntry, ...]
    categories: dict[int, str]
    counts: dict[int, int]


def read_annotations(path: Path) -> Annotations:
    """Read and check a COCO instances file.

    Raises
    ------
    InputError
        If the file is missing, no JSON, or breaks COCO's format; it names the file and the key.
    """
    content = _read_json(path)
    images = [_image(path, index, entry) for index, entry in enumerate(_list(path, content, "images"))]
    if not images:
        raise _fault(path, "images", "at least one image", "none")
    categories = [
        _category(path, index, entry) for index, entry in enumerate(_list(path, content, "categories"))
    ]
    _unique(path, "images", [image.id for image in images])
    _unique(path, "categories", [identity for identity, _ in categories])
    counts = dict.fromkeys((identity for identity, _ in categories), 0)
    known_images = {image.id for image in images}
    annotations = _list(path, content, "annotations")
    for index, entry in enumerate(annotations):
        counts[_annotation(path, index, entry, known_images, counts)] += 1
    _unique(path, "annotations", [entry["id"] for entry in annotations])
    return Annotations(
        path=path,
        images=tuple(sorted(images, key=lambda image: image.id)),
        categories=dict(sorted(categories)),
        counts=counts,
    )


def check_size(annotations: Annotations, image: ImageEntry, width: int, height: int) -> None:
    """Raise an InputError if an image that was read has another size than the annotations say."""
    if (width, height) != (image.width, image.height):
        raise InputError(
            "The annotations do not fit the images",
            where=f"{annotations.path}: {image.file_name}",
            expected=f"{image.width}x{image.height} pixels",
            got=f"{width}x{height}",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError("The annotations cannot be read", where=path, got=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise InputError("The annotations are no JSON", where=path, got=str(error)) from error
    if not isinstance(content, dict):
        raise _fault(path, "top level", "an object", content)
    return content


def _list(path: Path, content: dict[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    if not isinstance(value, list):
        raise _fault(path, key, "a list", value)
    return value


def _image(path: Path, index: int, entry: Any) -> ImageEntry:
    place = f"images[{index}]"
    return ImageEntry(
        id=_get(path, place, entry, "id", _is_integer, "an integer"),
        file_name=_get(path, place, entry, "file_name", _is_inside, "a file inside the image folder"),
        width=_get(path, place, entry, "width", _is_positive, "a positive integer"),
        height=_get(path, place, entry, "height", _is_positive, "a positive integer"),
    )


def _category(path: Path, index: int, entry: Any) -> tuple[int, str]:
    place = f"categories[{index}]"
    identity = _get(path, place, entry, "id", _is_integer, "an integer")
    return identity, _get(path, place, entry, "name", lambda value: isinstance(value, str), "a string")


def _annotation(path: Path, index: int, entry: Any, images: set[int], categories: dict[int, int]) -> int:
    """Check one annotation and return its category."""
    place = f"annotations[{index}]"
    _get(path, place, entry, "id", _is_integer, "an integer")
    _get(
        path,
        place,
        entry,
        "image_id",
        lambda value: _is_integer(value) and value in images,
        "the id of an image",
    )
    _get(path, place, entry, "bbox", _is_box, "[x, y, width, height], width and height not negative")
    _get(path, place, entry, "area", _is_area, "a number not below 0")
    _get(path, place, entry, "iscrowd", lambda value: value in (0, 1), "0 or 1")
    identity: int = _get(
        path,
        place,
        entry,
        "category_id",
        lambda value: _is_integer(value) and value in categories,
        "the id of a category",
    )
    return identity


def _get(path: Path, place: str, entry: Any, key: str, fits: Callable[[Any], bool], expected: str) -> Any:
    if not isinstance(entry, dict):
        raise _fault(path, place, "an object", entry)
    if key not in entry:
        raise _fault(path, f"{place}.{key}", expected, "nothing")
    if not fits(entry[key]):
        raise _fault(path, f"{place}.{key}", expected, entry[key])
    return entry[key]


def _unique(path: Path, place: str, identities: Sequence[int]) -> None:
    seen: set[int] = set()
    for index, identity in enumerate(identities):
        if identity in seen:
            raise _fault(path, f"{place}[{index}].id", "an id of its own", f"{identity} again")
        seen.add(identity)


def _fault(path: Path, key: str, expected: str, got: Any) -> InputError:
    shown = got if isinstance(got, str) else json.dumps(got)
    if len(shown) > 80:
        shown = shown[:77] + "…"
    return InputError(
        "The annotations break COCO's format", where=f"{path}: {key}", expected=expected, got=shown
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and value == value
        and abs(value) < 1e12
    )


def _is_positive(value: Any) -> bool:
    return _is_integer(value) and value > 0


def _is_area(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value)) and min(value[2:]) >= 0


def _is_inside(value: Any) -> bool:
    """A relative path that stays below the folder it is joined to."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts
