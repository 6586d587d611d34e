"""Reads label maps (``item { id: 1 name: 'circle' }``) and writes one name per class id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import InputError

BACKGROUND = "???"  # also for ids that no item has, as in the label lists published with TFLite models

_TOKEN = re.compile(
    r"""#.*|(?P<double>"(?:[^"\\\n]|\\.)*")|(?P<single>'(?:[^'\\\n]|\\.)*')|(?P<word>[\w.+-]+)|(?P<mark>[{}<>:,;])"""
)
_NAMES = ("display_name", "name")


def read_label_map(path: Path) -> dict[int, str]:
    """Read the names of a label map by class id (``display_name`` where there is one).

    Raises
    ------
    InputError
        If it cannot be read, has no items, or an item lacks an id or a name, or an id comes twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot read the label map", where=path, got=error) from error
    return parse_label_map(text, path)


def parse_label_map(text: str, path: Path) -> dict[int, str]:
    """Read the text of a label map; ``path`` is for the error, see read_label_map."""
    labels: dict[int, str] = {}
    for item in _items(text):
        names = [item[key] for key in _NAMES if item.get(key)]
        if not item.get("id", "").isdecimal() or not names:
            raise InputError("an item of the label map lacks its id or name", where=path, got=item)
        if int(item["id"]) in labels:
            raise InputError("an id comes twice in the label map", where=path, got=item["id"])
        labels[int(item["id"])] = names[0]
    if not labels:
        raise InputError("the label map has no items", where=path, expected="item { id: … name: '…' }")
    return labels


def _items(text: str) -> Iterator[dict[str, str]]:
    """The scalar fields of each ``item``; messages inside an item (keypoints) are passed over."""
    depth = 0
    field = ""
    item: dict[str, str] = {}
    for token in _TOKEN.finditer(text):
        quoted, word, mark = token["double"] or token["single"], token["word"], token["mark"]
        if mark in ("{", "<"):
            depth += 1
            item = {} if depth == 1 else item
        elif mark in ("}", ">"):
            depth -= 1
            if depth == 0:
                yield item
        elif depth == 1 and mark == ":":
            item[field] = ""
        elif depth == 1 and (quoted or word):
            value = _unquoted(quoted) if quoted else word
            if item.get(field) == "":
                item[field] = value
            field = value


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def flat_labels(labels: dict[int, str], num_classes: int, where: Path) -> str:
    """One line for each class id from 0 (background) to `num_classes`.

    Raises
    ------
    InputError
        If a label's id is outside 1 … `num_classes`.
    """
    strange = sorted(identifier for identifier in labels if not 1 <= identifier <= num_classes)
    if strange:
        raise InputError(
            "the label map does not fit the model",
            where=where,
            expected=f"class ids from 1 to {num_classes}",
            got=", ".join(map(str, strange)),
        )
    names = [labels.get(identifier, BACKGROUND) for identifier in range(num_classes + 1)]
    return "\n".join(names) + "\n"
