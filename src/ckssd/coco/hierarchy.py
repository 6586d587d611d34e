"""Open Images' hierarchy of classes: a cat is an animal, too.

Its annotations name the narrowest class only. So each box (and each label of an image) counts for all classes
above its own as well, see https://storage.googleapis.com/openimages/web/evaluation.html. The file is Open
Images' ``bbox_labels_600_hierarchy.json`` or one like it: objects with a ``LabelName`` and a list of narrower
ones, ``Subcategory``. The outermost object only holds the others together; ``Part`` (a wheel is part of a
car) is no kind of, and does not count. Its labels are codes, such as ``/m/01g317``; Open Images' table of
their names, ``class-descriptions-boxable.csv``, is read if it lies beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.coco.truth import GroundTruth
from ckssd.coco.written import of
from ckssd.errors import InputError, short
from ckssd.json_file import read_object

LABEL, NARROWER = "LabelName", "Subcategory"
SHOWN = 5
DESCRIPTIONS = "class-descriptions*.csv"

# Label to the labels of all classes above it.
Above = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Hierarchy:
    """Category id to the ids of all categories above (``wider``) and below it (``narrower``), each sorted.

    A category that is not there has none. ``notes``: what does not fit together.
    """

    wider: dict[int, tuple[int, ...]]
    narrower: dict[int, tuple[int, ...]]
    notes: tuple[str, ...]


def read_hierarchy(path: Path) -> Above:
    """Read a hierarchy file: every label in it, with all labels above it but the outermost.

    A label may be at several places; it then has the labels above all of them.

    Raises
    ------
    InputError
        The file cannot be read, is no such hierarchy, or has a class below itself.
    """
    above: dict[str, frozenset[str]] = {}
    for place, node, outer in _nodes(path, read_object(path, "hierarchy's classes")):
        label = node.get(LABEL)
        if not isinstance(label, str) or not label:
            raise _fault(path, f"{place}.{LABEL}", "a label such as /m/01g317", label)
        if label in outer:
            raise _fault(path, f"{place}.{LABEL}", "no class below itself", label)
        above[label] = above.get(label, frozenset()) | outer
    return above


def _nodes(path: Path, root: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], frozenset[str]]]:
    """Every object below the root with its place and the labels above it; a stack, as files may be deep."""
    waiting = [("", root, frozenset[str]())]
    while waiting:
        place, node, outer = waiting.pop()
        if place:
            yield place, node, outer
            outer = outer | {node[LABEL]}
        inner = node.get(NARROWER, [])
        key = f"{place}.{NARROWER}".lstrip(".")
        if not isinstance(inner, list) or not (place or inner):
            raise _fault(path, key, "a list of classes", inner)
        for index, one in enumerate(inner):
            if not isinstance(one, dict):
                raise _fault(path, f"{key}[{index}]", "an object", one)
            waiting.append((f"{key}[{index}]", one, outer))


def fit_hierarchy(path: Path, truth: GroundTruth) -> Hierarchy:
    """Read a hierarchy file for a data set, whose categories are found by ``freebase_id`` or by name.

    A name is the hierarchy's own label, or the one that a table beside it gives to a label.

    Raises
    ------
    InputError
        As read_hierarchy; or none of the data set's categories is in it, or two are the same class.
    """
    above = read_hierarchy(path)
    table, codes = _codes_beside(path)
    by_label: dict[str, int] = {}
    strangers = []
    columns = zip(truth.category_ids.tolist(), truth.category_names, truth.category_labels, strict=True)
    for identity, name, label in columns:
        found = next((text for text in (label, name, codes.get(name)) if text in above), None)
        if found is None:
            strangers.append(name)
        elif by_label.setdefault(found, identity) != identity:
            raise _fault(path, found, "one category for each class", f"{by_label[found]} and {identity}")
    if not by_label:
        raise InputError(
            "The hierarchy does not fit the annotations",
            where=path,
            expected="classes that are called as a category's name or freebase_id, such as "
            + _listed([*truth.category_labels, *truth.category_names]),
            got=_listed(sorted(above)),
        )
    wider = {
        identity: tuple(sorted(by_label[one] for one in above[label] if one in by_label))
        for label, identity in by_label.items()
    }
    narrower = {
        identity: tuple(sorted(below for below, ids in wider.items() if identity in ids))
        for identity in wider
    }
    missing = sorted({one for label in by_label for one in above[label]} - set(by_label))
    read = [f"hierarchy: names of its classes are those of {table.name}"] if table else []
    return Hierarchy(wider, narrower, (*read, *_notes(strangers, missing)))


def _codes_beside(path: Path) -> tuple[Path | None, dict[str, str]]:
    """The table of names in the hierarchy's folder, if one is there, and each name's label."""
    tables = sorted(path.parent.glob(DESCRIPTIONS))
    if len(tables) != 1:
        return None, {}
    try:
        with tables[0].open(encoding="utf-8-sig", newline="") as text:
            rows = [row for row in csv.reader(text) if row]
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError("The table of class names cannot be read", where=tables[0], got=error) from error
    for line, row in enumerate(rows, 1):
        if len(row) != 2:
            raise InputError(
                "The table of class names is none",
                where=f"{tables[0]}:{line}",
                expected="a label and its name",
                got=short(",".join(row)),
            )
    return tables[0], {name: label for label, name in rows}


def _notes(strangers: list[str], missing: list[str]) -> Iterator[str]:
    if strangers:
        yield f"{of(len(strangers), 'category')} not in the hierarchy: as it is ({_listed(strangers)})"
    if missing:
        yield (
            f"{len(missing)} classes above categories are no category of the annotations,"
            f" and do not count ({_listed(missing)})"
        )


def _listed(names: list[str]) -> str:
    named = [name for name in names if name]
    return ", ".join(map(short, named[:SHOWN])) + (", …" if len(named) > SHOWN else "")


def _fault(path: Path, place: str, expected: str, got: Any) -> InputError:
    shown = got if isinstance(got, str) else "nothing" if got in (None, []) else type(got).__name__
    return InputError(
        "The hierarchy of classes is none",
        where=f"{path}: {short(place)}",
        expected=expected,
        got=short(shown),
        advice="it is a file such as Open Images' bbox_labels_600_hierarchy.json",
    )
