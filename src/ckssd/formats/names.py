"""The formats by name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, cast

from ckssd.errors import InputError, UsageError
from ckssd.formats.content import Content
from ckssd.formats.options import Reading
from ckssd.formats.writing import Folder

FORMATS = ("coco", "voc", "yolo", "cvat", "labelme", "openimages")


class Format(Protocol):
    """What the module of a format gives."""

    def read(self, source: Path, reading: Reading) -> Content:
        """Read a folder or file; raises InputError, UsageError."""

    def write(self, content: Content, target: Folder) -> None:
        """Write a folder; raises UsageError, InputError."""


def format_of(name: str) -> Format:
    """Return the module of a format; raises UsageError."""
    if name not in FORMATS:
        raise UsageError("Unknown format", expected=", ".join(FORMATS), got=name or "none")
    return cast(Format, importlib.import_module(f"ckssd.formats.{name}"))


def read_source(name: str, source: Path, reading: Reading) -> Content:
    """Read a source in a format; pictures may be missing or broken yet.

    Raises
    ------
    InputError, UsageError
        The source is missing, or not in this format.
    """
    chosen = format_of(name)
    if not source.exists():
        raise InputError("The source is not there", where=source, expected="a folder or a file")
    return chosen.read(source.absolute(), reading)
