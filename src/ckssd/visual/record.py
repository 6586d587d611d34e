"""A timer file that a report can be made of: what it must have, and of which kind is what is shown.

Results of other versions may lack fields, and have more: that is no fault.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.measure.published import Published

Kind = Callable[[Any], bool]


def checked(record: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """The record without what is null, which says nothing.

    Raises
    ------
    InputError
        It lacks what every report shows, or has a value of another kind in a place.
    """
    for name, kind in NEEDED.items():
        if not KINDS[kind](record.get(name)):
            got = "none" if name not in record else repr(record[name])[:60]
            raise _fault("The file is no result of a benchmark", file, name, kind, got)
    known, settings = _without_null(record), _without_null(record["settings"])
    for fields, part in ((FIELDS, known), (SETTINGS, settings)):
        for name, kind in fields.items():
            if name in part and not KINDS[kind](part[name]):
                got = repr(part[name])[:60]
                raise _fault("The result has a value of another kind", file, name, kind, got)
    return {**known, "settings": settings}


def _without_null(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value is not None}


def _fault(what: str, file: Path, name: str, kind: str, got: str) -> InputError:
    return InputError(what, where=f"{file}: {name}", expected=kind, got=got)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _numbers(value: Any) -> bool:
    return _object(value) and all(one is None or _number(one) for one in value.values())


def _machine(value: Any) -> bool:
    return _object(value) and all(_number(one) for name, one in value.items() if "memory" in name)


def _published(value: Any) -> bool:
    fields = Published.__dataclass_fields__
    return (
        _object(value)
        and value.keys() == fields.keys()
        and all(_text(one) if name == "dataset_type" else _number(one) for name, one in value.items())
    )


KINDS: Mapping[str, Kind] = {
    "a number": _number,
    "a whole number": _whole,
    "text": _text,
    "an object": _object,
    "a list of texts": _texts,
    "an object of numbers": _numbers,
    "published figures": _published,
    "an object, with numbers for memory": _machine,
}
NEEDED = {
    **dict.fromkeys(("mAP", "recall", "images_per_second"), "a number"),
    "settings": "an object",
}
FIELDS = {
    "per_class": "an object of numbers",
    "run_time_state": "an object of numbers",
    "notes": "a list of texts",
    "published": "published figures",
    "detections": "a whole number",
    "images": "a whole number",
    "detection_time_median_s": "a number",
    "detections_sha256": "text",
}
SETTINGS = {
    "machine": "an object, with numbers for memory",
    "versions": "an object",
    "images": "a whole number",
    "images_skipped": "a whole number",
    "model_bytes": "a whole number",
    "threads": "a whole number",
    "score_threshold": "a number",
    **dict.fromkeys(
        (
            *("runtime", "mode", "metric", "dataset_type", "model_name", "model_file", "precision", "nms"),
            *("annotations_sha256", "image_orientation"),
        ),
        "text",
    ),
}
