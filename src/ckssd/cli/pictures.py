"""The pictures that a command line names: files, folders and patterns, found before anything is run."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from ckssd.errors import InputError

# What folders are searched for; a file that is named is tried whatever its name.
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def pictures(named: Sequence[str]) -> list[Path]:
    """The picture files of arguments, in their order; those of a folder or a pattern by name.

    Raises
    ------
    InputError
        Something is missing, a folder has no pictures, or a pattern fits nothing.
    """
    found = [path for name in named for path in _one(name)]
    return list(dict.fromkeys(found))


def _one(name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_dir():
        inside = sorted(child for child in path.iterdir() if _is_picture(child))
        if not inside:
            raise InputError(
                "The folder has no pictures", where=path, expected=f"files {', '.join(SUFFIXES)}"
            )
        yield from inside
    elif path.is_file():
        yield path
    elif glob.has_magic(name):
        fitting = sorted(child for child in _matches(name) if _is_picture(child))
        if not fitting:
            raise InputError("The pattern fits no pictures", where=name)
        yield from fitting
    else:
        raise InputError("The image is missing", where=path, expected="a file, a folder or a pattern")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _matches(pattern: str) -> Iterator[Path]:
    # Not Path.glob: a pattern may be absolute.
    yield from map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207
