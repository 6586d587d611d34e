"""``flags.csv``: the flags of boxes that YOLO's own text has no place for.

One row a box with flags: the label file, the number of its line, the line, and the flags. The line is there
so that a file that was edited since is not read with another box's flags.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ckssd.formats.content import FLAGS
from ckssd.formats.reading import fault, read_text
from ckssd.formats.writing import Folder

FLAGS_FILE = "flags.csv"
COLUMNS = ["label", "line", "box", "flags"]


def read_flags(root: Path) -> dict[str, dict[int, int]]:
    """Label file to line to flags; empty without the file.

    Raises
    ------
    InputError
        It is broken, or the labels are others than when it was written.
    """
    file = root / FLAGS_FILE
    if not file.is_file():
        return {}
    rows = list(csv.reader(read_text(file).splitlines()))
    if rows[:1] != [COLUMNS]:
        return {}  # another tool's file of that name
    found: dict[str, dict[int, int]] = {}
    lines: dict[str, list[str]] = {}
    for index, row in enumerate(rows[1:], 2):
        where = f"{file}:{index}"
        if len(row) != len(COLUMNS) or not row[1].isdecimal():
            raise fault(where, ", ".join(COLUMNS), ",".join(row))
        label, line = row[0], int(row[1])
        if label not in lines:
            lines[label] = read_text(root / label).splitlines()
        _check_line(where, lines[label], line, row[2])
        found.setdefault(label, {})[line] = _flags(where, row[3])
    return found


def _check_line(where: str, lines: Sequence[str], line: int, wanted: str) -> None:
    there = lines[line - 1] if 0 < line <= len(lines) else "no such line"
    if there != wanted:
        advice = f"the labels were changed since: correct {FLAGS_FILE} or remove it"
        raise fault(where, wanted, there, advice)


def _flags(where: str, names: str) -> int:
    unknown = [flag for flag in names.split() if flag not in FLAGS]
    if unknown:
        raise fault(where, ", ".join(FLAGS), unknown[0])
    return sum(FLAGS[flag] for flag in names.split())


def write_flags(target: Folder, rows: Iterable[tuple[str, int, str, str]]) -> None:
    """Write the file."""
    with target.opened(FLAGS_FILE) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
