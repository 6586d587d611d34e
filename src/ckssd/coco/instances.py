"""COCO instances files: parsed, completed and checked.

Every fault names the file and the key, such as ``annotations[17].bbox``: a benchmark should not end after an
hour in a KeyError. What tools leave out is put in by ckssd.coco.written, with a note.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.flag_names import FLAGS, LABELS_OF_IMAGES, OPEN_IMAGES_LABEL
from ckssd.coco.remarks import check_units, remarks_on
from ckssd.coco.written import UNKNOWN_SIZE, complete, is_box, is_number, of
from ckssd.errors import InputError, short

LARGEST_ID = 2**53  # metrics hold ids as float64, too
LISTS = ("images", "categories", "annotations")
ADVICE = (
    "annotations are COCO's instances, a JSON object with images, categories and annotations: export them so"
)

Entry = dict[str, Any]


@dataclass(frozen=True)
class Instances:
    """The objects of an instances file in COCO's format; ``notes``: what was assumed to have them so."""

    images: list[Entry]
    categories: list[Entry]
    annotations: list[Entry]
    notes: tuple[str, ...]


def parse_instances(path: Path, data: bytes) -> Instances:
    """Parse, complete and check the content of an instances file; ``path`` names it in errors.

    Raises
    ------
    InputError
        If it is no JSON, or breaks COCO's format.
    """
    content = _parse_json(path, data)
    images, categories, annotations = (_list(path, content, key) for key in LISTS)
    if not images:
        raise _fault(path, "images", "at least one image", "none")
    notes = [*_encoding(data), *complete(images, categories, annotations)]
    for index, entry in enumerate(images):
        _check_image(path, index, entry)
    for index, entry in enumerate(categories):
        _check_category(path, index, entry)
    _unique(path, "images", images, "id")
    _unique(path, "categories", categories, "id")
    known_images, known_categories = ({entry["id"] for entry in entries} for entries in (images, categories))
    for index, entry in enumerate(annotations):
        _check_annotation(path, index, entry, known_images, known_categories)
    _unique(path, "annotations", annotations, "id")
    notes += _leave_out_twins(categories, annotations)
    _unique(path, "categories", categories, "name")
    if units := check_units(images, annotations):
        raise _fault(path, "annotations[].bbox", "[x, y, width, height] in pixels", units)
    return Instances(images, categories, annotations, (*notes, *remarks_on(images, annotations)))


def _encoding(data: bytes) -> list[str]:
    """JSON is UTF-8 without a mark, but editors and shells write others, which json.loads takes."""
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return []
    if encoding == "utf-8-sig":
        return ["the file begins with a byte order mark (UTF-8 with BOM), which was left out"]
    return [f"the file is {encoding.upper()}, not UTF-8"]


def _parse_json(path: Path, data: bytes) -> Entry:
    try:
        content = json.loads(data, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        got = short(str(error), 200)
        raise InputError("The annotations are no JSON", where=path, got=got, advice=ADVICE) from error
    if isinstance(content, list) and content and isinstance(content[0], dict) and "score" in content[0]:
        raise InputError(
            "These are detections (COCO results), no annotations", where=path, got="a list", advice=ADVICE
        )
    if not isinstance(content, dict):
        raise _fault(path, "top level", "an object", content)
    return content


def _object(pairs: list[tuple[str, Any]]) -> Entry:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice[:40]!r} is twice in one object")
    return made


def _list(path: Path, content: Entry, key: str) -> list[Any]:
    if key not in content:
        raise InputError(
            "The annotations break COCO's format",
            where=f"{path}: {key}",
            expected="a list",
            got=f"nothing; the keys are {', '.join(map(repr, list(content)[:5]))[:80] or 'none'}",
            advice=ADVICE,
        )
    value = content[key]
    if not isinstance(value, list):
        raise _fault(path, key, "a list", value)
    return value


def _check_image(path: Path, index: int, entry: Any) -> None:
    place = f"images[{index}]"
    _get(path, place, entry, "id", _is_integer, "a whole number")
    _get(path, place, entry, "file_name", _is_name, "the name of a file")
    _get(path, place, entry, "width", _is_size, "a positive integer")
    _get(path, place, entry, "height", _is_size, "a positive integer")
    for key in LABELS_OF_IMAGES:
        _get_optional(path, place, entry, key, _is_ids, "a list of category ids")


def _check_category(path: Path, index: int, entry: Any) -> None:
    place = f"categories[{index}]"
    _get(path, place, entry, "id", _is_integer, "a whole number")
    _get(path, place, entry, "name", lambda value: isinstance(value, str), "a string")
    _get_optional(
        path,
        place,
        entry,
        OPEN_IMAGES_LABEL,
        lambda value: isinstance(value, str),
        "a label such as /m/01g317",
    )


def _check_annotation(
    path: Path, index: int, entry: Any, images: Collection[int], categories: Collection[int]
) -> None:
    def one_of(ids: Collection[int]) -> Callable[[Any], bool]:
        return lambda value: _is_integer(value) and value in ids

    place = f"annotations[{index}]"
    _get(path, place, entry, "id", _is_integer, "a whole number")
    _get(path, place, entry, "image_id", one_of(images), "the id of an image")
    _get(path, place, entry, "bbox", is_box, "[x, y, width, height], width and height not negative")
    _get(path, place, entry, "area", _is_area, "a number not below 0")
    _get(path, place, entry, "iscrowd", _is_flag, "0 or 1")
    for key in FLAGS:
        _get_optional(path, place, entry, key, _is_flag, "0 or 1")
    _get(path, place, entry, "category_id", one_of(categories), "the id of a category")


def _get(path: Path, place: str, entry: Any, key: str, fits: Callable[[Any], bool], expected: str) -> None:
    if not isinstance(entry, dict):
        raise _fault(path, place, "an object", entry)
    if key not in entry:
        raise _fault(path, f"{place}.{key}", expected, "nothing")
    if not fits(entry[key]):
        raise _fault(path, f"{place}.{key}", expected, entry[key])


def _get_optional(
    path: Path, place: str, entry: Entry, key: str, fits: Callable[[Any], bool], expected: str
) -> None:
    if entry.get(key) is not None:
        _get(path, place, entry, key, fits, expected)


def _leave_out_twins(categories: list[Entry], annotations: Sequence[Entry]) -> list[str]:
    """Of categories with one name, keep the one that annotations use: Roboflow's id 0 repeats a name."""
    used = {annotation["category_id"] for annotation in annotations}
    names = Counter(category["name"] for category in categories)
    named_by_used = {category["name"] for category in categories if category["id"] in used}
    twins = [
        category
        for category in categories
        if names[category["name"]] > 1 and category["name"] in named_by_used and category["id"] not in used
    ]
    for twin in twins:
        categories.remove(twin)
    if not twins:
        return []
    shown = ", ".join(f"{twin['id']} {short(twin['name'])}" for twin in twins[:5])
    return [f"{of(len(twins), 'category')} left out: not used, and named like another one ({shown})"]


def _unique(path: Path, place: str, entries: Sequence[Entry], key: str) -> None:
    seen: set[int | str] = set()
    for index, entry in enumerate(entries):
        if entry[key] in seen:
            raise _fault(
                path,
                f"{place}[{index}].{key}",
                f"another {key} than all before",
                f"{short(str(entry[key]))} again",
            )
        seen.add(entry[key])


def _fault(path: Path, key: str, expected: str, got: Any) -> InputError:
    try:
        shown = got if isinstance(got, str) else json.dumps(got)
    except RecursionError:
        shown = type(got).__name__
    return InputError(
        "The annotations break COCO's format", where=f"{path}: {key}", expected=expected, got=short(shown)
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_ID


def _is_size(value: Any) -> bool:
    return _is_integer(value) and (value > 0 or value == UNKNOWN_SIZE)


def _is_area(value: Any) -> bool:
    return is_number(value) and value >= 0


def _is_flag(value: Any) -> bool:
    return isinstance(value, (int, float)) and value in (0, 1)


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_integer, value))


def _is_name(value: Any) -> bool:
    """What can be the name of a file; whether it is one, ckssd.coco.pictures sees in the image folder."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
