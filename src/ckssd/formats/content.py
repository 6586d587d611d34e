"""The form between the formats: pictures with boxes, their flags, and the classes' names.

Coordinates are COCO's: x and y of the box's upper left corner, width and height, in pixels from the upper
left corner of the picture, as real numbers. What a format has beyond that (outlines, poses, tracks) is left
out, with a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ckssd.coco.written import UNKNOWN_SIZE
from ckssd.errors import short

CROWD, DIFFICULT, TRUNCATED, OCCLUDED, DEPICTION, INSIDE = (1 << bit for bit in range(6))
# What COCO calls a crowd, Open Images a group: a box around several objects that nobody counted.
FLAGS = {
    "iscrowd": CROWD,
    "difficult": DIFFICULT,
    "truncated": TRUNCATED,
    "occluded": OCCLUDED,
    "depiction": DEPICTION,
    "inside": INSIDE,
}
DIGITS = 6
"""Decimals of a pixel that every format keeps: what is computed from a file's numbers is rounded to them."""

Number = int | float


@dataclass(slots=True)
class Box:
    """One box; ``flags`` is a sum of the values in ``FLAGS``, ``area`` None where it is width x height."""

    category: str
    x: Number
    y: Number
    width: Number
    height: Number
    flags: int = 0
    area: Number | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture's header says: its size as stored, and whether EXIF shows it with sides swapped.

    ``fault`` is why it cannot be read, else empty.
    """

    width: int = UNKNOWN_SIZE
    height: int = UNKNOWN_SIZE
    turned: bool = False
    fault: str = ""

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as viewers show it."""
        return (self.height, self.width) if self.turned else (self.width, self.height)


@dataclass(slots=True)
class Picture:
    """A picture with its boxes.

    ``name`` is its path in an image folder, with ``/``; ``file`` where it is, None if it is missing. A width
    or height of 0 is one that the annotations do not say; ``id`` None, one that they do not give. ``seen``:
    its header, once that was read.
    """

    name: str
    file: Path | None
    width: int = UNKNOWN_SIZE
    height: int = UNKNOWN_SIZE
    boxes: list[Box] = field(default_factory=list)
    id: int | None = None
    seen: Seen | None = None


class Notes:
    """What was assumed in reading or writing: each assumption once, with how often and where first."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, text: str, where: object = "", count: int = 1) -> None:
        """Count one more case of ``text``."""
        before, first = self._found.get(text, (0, str(where)))
        self._found[text] = (before + count, first)

    def lines(self) -> tuple[str, ...]:
        """The notes, each as one line."""
        return tuple(_line(text, count, first) for text, (count, first) in self._found.items())


def _line(text: str, count: int, first: str) -> str:
    if not first:
        return text
    return f"{text}: {short(first)}" if count == 1 else f"{text}: {count}, the first in {short(first)}"


@dataclass
class Content:
    """A data set, or one split of it.

    ``categories``: names to ids, in the order of the format; ``split``: its name, None where the source has
    none; ``read``: the files that the annotations were read from.
    """

    categories: dict[str, int]
    pictures: list[Picture]
    split: str | None = None
    notes: Notes = field(default_factory=Notes)
    read: list[Path] = field(default_factory=list)

    def boxes(self) -> Iterator[Box]:
        """All boxes."""
        for picture in self.pictures:
            yield from picture.boxes


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Names to ids from 1, in their order; one that comes again keeps its first."""
    return {name: index for index, name in enumerate(dict.fromkeys(names), 1)}


def rounded(value: float) -> Number:
    """A computed coordinate, rounded to ``DIGITS``; a whole one as an integer."""
    found = round(float(value), DIGITS)
    return int(found) if found.is_integer() else found


def flag_names(flags: int) -> list[str]:
    """The names of the flags that are set."""
    return [name for name, bit in FLAGS.items() if flags & bit]
