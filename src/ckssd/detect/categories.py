"""Which of a model's labels a data set's category is: by its name, or by the name in another spelling.

Tools write ``Traffic_Light`` or ``trafficlight`` for ``traffic light``. Spellings that differ only in case,
spaces, underscores and hyphens are one name, unless that would make two names of one side the same.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ckssd.errors import InputError, short

SEPARATORS = str.maketrans("", "", "_-")


@dataclass(frozen=True)
class Matched:
    """``by_label``: label to category id. ``left_out``: names of categories that nobody needs.

    ``notes``: which names were matched in another spelling, and what was left out.
    """

    by_label: dict[str, int]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def match(
    labels: Collection[str], categories: Mapping[int, str], used: Collection[int], where: str
) -> Matched:
    """Match categories (id to name) with a model's labels; ``used``: ids that annotations have.

    Raises
    ------
    InputError
        If a category that is used is none of the labels'; ``where`` names the annotations.
    """
    known = set(labels)
    by_label = {name: category for category, name in categories.items() if name in known}
    respelled = _other_spellings(known, by_label, categories)
    by_label |= {label: category for category, label in respelled.items()}
    unknown = {category: name for category, name in categories.items() if category not in by_label.values()}
    missing = sorted(unknown[category] for category in unknown if category in used)
    if missing:
        raise InputError(
            "The annotations do not fit the model: it was not trained on all of their categories",
            where=where,
            expected=f"categories among {_some(sorted(labels), 10)}",
            got=_some(missing, 5),
            advice="if its labels are others, give those (--labels); else rename the categories, or choose"
            " a data set that it knows",
        )
    left_out = tuple(unknown.values())
    pairs = [f"{_quoted(categories[category])} as {_quoted(label)}" for category, label in respelled.items()]
    return Matched(by_label, left_out, (*_note_on_spelling(pairs), *_note_on_left_out(left_out)))


def _some(names: list[str], number: int) -> str:
    """The first few, and how many there are if not all are shown."""
    shown = ", ".join(map(short, names[:number]))
    return shown if len(names) <= number else f"{shown}, … ({len(names)} names)"


def plain_name(name: str) -> str:
    """A name without what spellings differ in: case, spaces, underscores, hyphens, forms of one letter."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().translate(SEPARATORS).split())


def _other_spellings(
    labels: set[str], exact: Mapping[str, int], categories: Mapping[int, str]
) -> dict[int, str]:
    """Category id to label, of those left that are each other's only match."""
    free = {category: name for category, name in categories.items() if name not in exact}
    names = Counter(map(plain_name, free.values()))
    by_plain: dict[str, list[str]] = {}
    for label in labels:
        by_plain.setdefault(plain_name(label), []).append(label)
    matched = {}
    for category, name in free.items():
        plain = plain_name(name)
        found = by_plain.get(plain, [])
        if plain and names[plain] == 1 and len(found) == 1 and found[0] not in exact:
            matched[category] = found[0]
    return matched


def _note_on_spelling(pairs: list[str]) -> list[str]:
    if not pairs:
        return []
    shown = ", ".join(pairs[:5]) + (", …" if len(pairs) > 5 else "")
    return [f"categories matched with labels that are spelled otherwise ({len(pairs)}): {shown}"]


def _quoted(name: str) -> str:
    return f"'{short(name)}'"


def _note_on_left_out(names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(map(_quoted, names[:5])) + (", …" if len(names) > 5 else "")
    return [
        f"categories left out, which no annotation uses and the model does not know ({len(names)}): {shown}"
    ]
