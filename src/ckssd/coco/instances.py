"""COCO instances files: parsed and checked.

Every fault names the file and the key, such as ``annotations[17].bbox``: a benchmark should not end after an
hour in a KeyError.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ckssd.errors import InputError

LARGEST_ID = 2**53  # metrics hold ids as float64, too


def parse_instances(path: Path, data: bytes) -> dict[str, list[dict[str, Any]]]:
    """Parse and check the content of an instances file; ``path`` names it in errors.

    Returns
    -------
    dict
        The file's own ``images``, ``categories`` and ``annotations``.

    Raises
    ------
    InputError
        If it is no JSON, or breaks COCO's format.
    """
    content = _parse_json(path, data)
    images, categories = _list(path, content, "images"), _list(path, content, "categories")
    annotations = _list(path, content, "annotations")
    if not images:
        raise _fault(path, "images", "at least one image", "none")
    for index, entry in enumerate(images):
        _check_image(path, index, entry)
    for index, entry in enumerate(categories):
        _check_category(path, index, entry)
    _unique(path, "images", images, "id")
    _unique(path, "categories", categories, "id")
    _unique(path, "categories", categories, "name")
    known_images, known_categories = ({entry["id"] for entry in entries} for entries in (images, categories))
    for index, entry in enumerate(annotations):
        _check_annotation(path, index, entry, known_images, known_categories)
    _unique(path, "annotations", annotations, "id")
    return {"images": images, "categories": categories, "annotations": annotations}


def _parse_json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
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


def _check_image(path: Path, index: int, entry: Any) -> None:
    place = f"images[{index}]"
    _get(path, place, entry, "id", _is_integer, "an integer")
    _get(path, place, entry, "file_name", _is_inside, "a file inside the image folder")
    _get(path, place, entry, "width", _is_positive, "a positive integer")
    _get(path, place, entry, "height", _is_positive, "a positive integer")


def _check_category(path: Path, index: int, entry: Any) -> None:
    place = f"categories[{index}]"
    _get(path, place, entry, "id", _is_integer, "an integer")
    _get(path, place, entry, "name", lambda value: isinstance(value, str), "a string")


def _check_annotation(
    path: Path, index: int, entry: Any, images: Collection[int], categories: Collection[int]
) -> None:
    def one_of(ids: Collection[int]) -> Callable[[Any], bool]:
        return lambda value: _is_integer(value) and value in ids

    place = f"annotations[{index}]"
    _get(path, place, entry, "id", _is_integer, "an integer")
    _get(path, place, entry, "image_id", one_of(images), "the id of an image")
    _get(path, place, entry, "bbox", _is_box, "[x, y, width, height], width and height not negative")
    _get(path, place, entry, "area", _is_area, "a number not below 0")
    _get(path, place, entry, "iscrowd", lambda value: value in (0, 1), "0 or 1")
    _get(path, place, entry, "category_id", one_of(categories), "the id of a category")


def _get(path: Path, place: str, entry: Any, key: str, fits: Callable[[Any], bool], expected: str) -> None:
    if not isinstance(entry, dict):
        raise _fault(path, place, "an object", entry)
    if key not in entry:
        raise _fault(path, f"{place}.{key}", expected, "nothing")
    if not fits(entry[key]):
        raise _fault(path, f"{place}.{key}", expected, entry[key])


def _unique(path: Path, place: str, entries: Sequence[dict[str, Any]], key: str) -> None:
    seen: set[int | str] = set()
    for index, entry in enumerate(entries):
        if entry[key] in seen:
            raise _fault(
                path, f"{place}[{index}].{key}", f"another {key} than all before", f"{entry[key]} again"
            )
        seen.add(entry[key])


def _fault(path: Path, key: str, expected: str, got: Any) -> InputError:
    shown = got if isinstance(got, str) else json.dumps(got)
    if len(shown) > 80:
        shown = shown[:77] + "…"
    return InputError(
        "The annotations break COCO's format", where=f"{path}: {key}", expected=expected, got=shown
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_ID


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
