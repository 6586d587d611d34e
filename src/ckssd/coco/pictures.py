"""The file of each image that annotations name, in the folder that has the images.

Tools write names with backslashes, percent signs, or folders that were only theirs. The file is looked for
under the name as it is, then under the same name read otherwise and without its first folders; never outside
the folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from ckssd.coco.annotations import ImageEntry
from ckssd.coco.written import of
from ckssd.errors import InputError, short


def find_pictures(
    folder: Path, images: Sequence[ImageEntry]
) -> tuple[tuple[ImageEntry, ...], tuple[str, ...]]:
    """The images with the names of their files inside ``folder``, and notes on names read otherwise.

    Raises
    ------
    InputError
        If an image has no file: it should not wait for its turn. If two names lead to one file.
    """
    found = [dataclasses.replace(image, file_name=_file_of(folder, image.file_name)) for image in images]
    changed = [
        (image.file_name, there.file_name)
        for image, there in zip(images, found, strict=True)
        if image.file_name != there.file_name
    ]
    if not changed:
        return tuple(images), ()
    _check_different(folder, images, found)
    name, file = changed[0]
    shown = f"{short(name)} was read as {short(file)}"
    note = f"{of(len(changed), 'file name')} not as in the image folder: {shown}"
    return tuple(found), (f"{note}, …" if len(changed) > 1 else note,)


def picture(folder: Path, name: str) -> str | None:
    """The name inside ``folder`` of the file that annotations call ``name``; None if there is none."""
    for candidate in _readings(name):
        if _is_file(folder / candidate):
            return candidate
    return None


def _file_of(folder: Path, name: str) -> str:
    found = picture(folder, name)
    if found is None:
        shown = short(name)
        where = folder / shown if _is_inside(name) else f"{folder}: {shown}"
        raise InputError("The image is missing", where=where, advice="the annotations name it")
    return found


def _readings(name: str) -> Iterator[str]:
    if _is_inside(name):
        yield name
    for text in dict.fromkeys([name, unquote(name)]):
        parts = [part for part in PurePosixPath(text.replace("\\", "/")).parts if part not in ("/", "..")]
        for start in range(len(parts)):
            yield "/".join(parts[start:])


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero in it
        return False


def _check_different(folder: Path, images: Sequence[ImageEntry], found: Sequence[ImageEntry]) -> None:
    names: dict[str, str] = {}
    for image, there in zip(images, found, strict=True):
        first = names.setdefault(there.file_name, image.file_name)
        if first != image.file_name:
            raise InputError(
                "Two images of the annotations would be one file",
                where=folder / there.file_name,
                got=f"{short(first)} and {short(image.file_name)}",
                advice="keep the folders that the annotations name",
            )
