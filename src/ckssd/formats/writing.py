"""Where the writers put their files: a folder that is filled aside and becomes real in one step."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TextIO

from ckssd.errors import InputError, UsageError, short
from ckssd.formats.content import Picture
from ckssd.staging import staging_folder


class Folder:
    """A folder to fill; paths in it are relative, with ``/``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, path: str) -> Path:
        """The place of a file, its folders made."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def text(self, path: str, text: str) -> None:
        """Write a text file."""
        self.place(path).write_text(text, encoding="utf-8", newline="")

    def lines(self, path: str, lines: Iterable[str]) -> None:
        """Write a list, one entry a line.

        Raises
        ------
        UsageError
            An entry has a line break, or spaces at its ends, which a list loses.
        """
        kept = list(lines)
        for line in kept:
            if line != line.strip() or len(line.splitlines()) != 1:
                raise UsageError(
                    "A name cannot be in a list of names",
                    where=path,
                    expected="one line without spaces around",
                    got=repr(short(line)),
                )
        self.text(path, "".join(f"{line}\n" for line in kept))

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[TextIO]:
        """A text file to write to."""
        with self.place(path).open("w", encoding="utf-8", newline="") as file:
            yield file

    def picture(self, picture: Picture, path: str) -> None:
        """Copy a picture.

        Raises
        ------
        InputError
            It cannot be read.
        """
        if picture.file is None:
            raise InputError("A picture is missing", where=short(picture.name))
        place = self.place(path)
        try:
            with picture.file.open("rb"):
                pass
        except OSError as error:
            raise InputError("The picture cannot be read", where=picture.file, got=error.strerror) from error
        shutil.copyfile(picture.file, place)


def by_stem(pictures: Iterable[Picture], file: str) -> Iterator[tuple[str, Picture]]:
    """Pictures with their names without suffix, for formats that name a ``file`` so.

    Raises
    ------
    UsageError
        Two pictures have the same.
    """
    known: dict[str, str] = {}
    for picture in pictures:
        stem = PurePosixPath(picture.name).with_suffix("").as_posix()
        if stem in known:
            raise UsageError(
                f"The format has one {file} a name, whatever the picture's suffix",
                where=short(picture.name),
                got=f"{short(known[stem])} beside it",
            )
        known[stem] = picture.name
        yield stem, picture


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Folder]:
    """A folder to fill that becomes ``target`` at the end of the block, or nothing after a failure.

    Raises
    ------
    UsageError
        ``target`` is there and not empty.
    """
    target = target.absolute()
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise UsageError("The folder is not empty", where=target, advice="name a new one")
    with staging_folder(target.parent, target.name) as staging:
        (staging / "made").mkdir()
        yield Folder(staging / "made")
        if target.is_dir():
            target.rmdir()
        (staging / "made").rename(target)
