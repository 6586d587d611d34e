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
# protobuf writes what is not ASCII as octal bytes: "Stra\\303\\237e".
_ESCAPE = re.compile(rb"\\(?:(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9A-Fa-f]{1,2})|(?P<letter>.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def read_label_map(path: Path) -> dict[int, str]:
    """Read the names of a label map by class id (``display_name`` where there is one).

    Raises
    ------
    InputError
        If it cannot be read, has no items or no end, an item lacks an id or a name, or an id comes twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot read the label map", where=path, got=error) from error
    return parse_label_map(text, path)


def parse_label_map(text: str, path: Path) -> dict[int, str]:
    """Read the text of a label map; ``path`` is for the error, see read_label_map."""
    labels: dict[int, str] = {}
    try:
        items = list(_items(text))
    except ValueError as error:
        raise InputError("the label map is damaged or cut short", where=path, got=str(error)) from error
    for item in items:
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
    """The scalar fields of each ``item``; messages inside an item (keypoints) are passed over.

    Raises
    ------
    ValueError
        An item does not end, or ends that did not begin; or a name is no UTF-8.
    """
    depth, field, joined = 0, "", ""
    item: dict[str, str] = {}
    for token in _TOKEN.finditer(text):
        quoted, word, mark = token["double"] or token["single"], token["word"], token["mark"]
        if mark in ("{", "<"):
            depth += 1
            item = {} if depth == 1 else item
        elif mark in ("}", ">"):
            depth -= 1
            if depth < 0:
                raise ValueError(f"a {mark} without a beginning at {token.start()}")
            if depth == 0:
                yield item
        elif depth == 1 and mark == ":":
            item[field] = ""
        elif depth == 1 and quoted and joined:
            item[joined] += _unquoted(quoted)  # "two" "texts" are one
            continue
        elif depth == 1 and (quoted or word):
            value = _unquoted(quoted) if quoted else word
            joined = field if quoted and item.get(field) == "" else ""
            if item.get(field) == "":
                item[field] = value
            field = value
            continue
        joined = "" if mark else joined  # comments change nothing
    if depth:
        raise ValueError("its last item does not end")


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text[1:-1].encode("utf-8", "surrogatepass")).decode("utf-8")


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found["octal"] or found["hex"]:
        return bytes([(int(found["octal"], 8) if found["octal"] else int(found["hex"], 16)) & 0xFF])
    return _LETTERS.get(found["letter"], found["letter"])


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
