"""The pictures or videos that a command line names: files, folders and patterns, found before a run."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from ckssd.errors import InputError
from ckssd.values import refuse_address

# What folders are searched for; a file that is named is tried whatever its name.
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
# A file with such a name is a video.
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".ogv", ".3gp"),
    *(".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".h264", ".h265"),
)


def pictures(named: Sequence[str]) -> list[Path]:
    """The files of arguments, in their order; those of a pattern by name, and the pictures of a folder.

    Raises
    ------
    InputError
        Something is missing, a folder has no pictures, or a pattern fits nothing.
    """
    found = [path for name in named for path in _one(name)]
    return list(dict.fromkeys(found))


def _one(name: str) -> Iterator[Path]:
    if not name:  # a shell's variable that is not set; as a path it would be this folder
        raise InputError("The name of a picture is empty", expected="a file, a folder or a pattern")
    refuse_address("A picture or video", name)
    path = Path(name)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long
        raise InputError("The image cannot be read", where=path, got=error.strerror) from error
    if is_folder:
        inside = sorted(child for child in path.iterdir() if _is_picture(child))
        if not inside:
            raise InputError(
                "The folder has no pictures", where=path, expected=f"files {', '.join(SUFFIXES)}"
            )
        yield from inside
    elif is_file:
        yield path
    elif glob.has_magic(name):
        fitting = sorted(child for child in _matches(name) if _is_picture(child) or is_video(child))
        if not fitting:
            raise InputError("The pattern fits no pictures", where=name)
        yield from fitting
    else:
        raise InputError("The image is missing", where=path, expected="a file, a folder or a pattern")


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _matches(pattern: str) -> Iterator[Path]:
    # Not Path.glob: a pattern may be absolute.
    yield from map(Path, glob.glob(pattern, recursive=True))  # noqa: PTH207
