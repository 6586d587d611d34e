"""The pictures of a source: found by the names that annotations give, their sizes read from their headers."""

from __future__ import annotations

import os
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from ckssd.errors import InputError, short
from ckssd.formats.content import Content, Picture, Seen
from ckssd.formats.reading import walk

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
ORIENTATION, SWAPS_FROM = 0x0112, 5  # of EXIF: 5 to 8 show a picture with width and height swapped
TURNED = "pictures that EXIF shows turned by a quarter; CK_IMAGE_ORIENTATION chooses how they are measured"
ADVICE = "put it there, or leave such pictures out: --leave-out-missing"


class PictureIndex:
    """All pictures below a folder, by path, by name, and by name without suffix."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        self.files: list[Path] = []
        self._paths: set[str] = set()
        for parent, names in walk(root):
            for name in names:
                if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                    self._add(Path(parent, name))

    def _add(self, file: Path) -> None:
        self.files.append(file)
        self._paths.add(str(file))
        self._by_name[_composed(file.name)].append(file)
        self._by_stem[_composed(file.stem)].append(file)

    def find(self, name: str, folders: Sequence[Path] = ()) -> Path | None:
        """The picture that annotations call ``name``: in one of the folders, else anywhere by its last part.

        Raises
        ------
        InputError
            Several pictures have the name, and nothing says which is meant.
        """
        plain = PurePosixPath(name.replace("\\", "/"))
        inside = [part for part in plain.parts if part not in ("/", "..", ".")]
        for start in range(len(inside)):
            for place in (*folders, self.root):
                file = place.joinpath(*inside[start:])
                if str(file) in self._paths:
                    return file
        return self._the_one(name, self._by_name.get(_composed(plain.name), []))

    def find_stem(self, stem: str, folders: Sequence[Path] = ()) -> Path | None:
        """The picture of a name without suffix, which may have folders: in one of ``folders``, else anywhere.

        Raises
        ------
        InputError
            As :meth:`find`.
        """
        known = self._by_stem.get(_composed(PurePosixPath(stem).name), [])
        for place in folders:
            wanted = place / stem
            here = [file for file in known if file.parent / file.stem == wanted]
            if here:
                return self._the_one(stem, here)
        return self._the_one(stem, known)

    def _the_one(self, name: str, found: list[Path]) -> Path | None:
        if len(found) > 1:
            places = ", ".join(short(str(file.relative_to(self.root))) for file in found[:3])
            raise InputError(
                "Several pictures have the same name, and it is not clear which is meant",
                where=f"{self.root}: {short(name)}",
                got=places,
            )
        return found[0] if found else None


def _composed(name: str) -> str:
    """A letter with an accent as one character, where macOS writes two."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def name_pictures(pictures: Iterable[Picture]) -> None:
    """Name each picture that has a file by its path below the folder that all of them are in."""
    there = [picture for picture in pictures if picture.file is not None]
    parents = {str(picture.file.parent) for picture in there if picture.file is not None}
    if not parents:
        return
    base = os.path.commonpath(parents)
    for picture in there:
        picture.name = os.path.relpath(str(picture.file), base)


def seen(picture: Picture) -> Seen:
    """The header of a picture's file, read once; the file has to be known."""
    if picture.seen is None:
        picture.seen = look_at(picture.file) if picture.file else Seen(fault="missing")
    return picture.seen


def scale(picture: Picture) -> tuple[int, int]:
    """The size that fractions of a picture are of, as viewers show it, also put into it; 1 and 1 if unknown.

    The tools that write fractions show pictures upright, and Ultralytics' loader takes them so.
    """
    header = seen(picture)
    if header.fault:
        return (1, 1)
    picture.width, picture.height = header.upright
    return header.upright


def look_at(file: Path) -> Seen:
    """Read a picture's header: its size as stored, and whether EXIF says to show it with sides swapped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                turned = "exif" in image.info and image.getexif().get(ORIENTATION, 1) >= SWAPS_FROM
                return Seen(image.width, image.height, turned)
    except OSError as error:
        return Seen(fault=error.strerror or str(error).replace(f" '{file}'", "") or "unreadable")
    except Exception as error:  # noqa: BLE001 - Pillow raises whatever broken data lead to
        return Seen(fault=f"{type(error).__name__}: {error}"[:100])


def require_pictures(content: Content, *, leave_out_missing: bool) -> None:
    """Check that every picture is there, or leave those that are not out of ``content``, with a note.

    Raises
    ------
    InputError
        A picture is missing, or all are; two entries would be one file.
    """
    missing = [picture for picture in content.pictures if picture.file is None]
    if missing and not leave_out_missing:
        raise InputError(
            f"{len(missing)} of {len(content.pictures)} pictures are missing"
            if len(missing) > 1
            else "A picture is missing",
            where=short(missing[0].name),
            advice=ADVICE,
        )
    if missing:
        content.pictures = [picture for picture in content.pictures if picture.file is not None]
        content.notes.add("pictures left out because they are missing", missing[0].name, len(missing))
    if not content.pictures:
        raise InputError("The source has no pictures", expected="at least one that is annotated")
    by_file: dict[Path, Picture] = {}
    for picture in content.pictures:
        if picture.file is not None:
            first = by_file.setdefault(picture.file, picture)
            if first is not picture and (first.id is None or first.name != picture.name):
                raise InputError("Two annotations are of one picture", where=picture.file)


def complete_sizes(content: Content) -> None:
    """Put each picture's size in, and check those that the annotations state.

    Raises
    ------
    InputError
        A picture cannot be read, or has another size than the annotations say.
    """
    for picture in content.pictures:
        if picture.file is None:
            continue
        header = seen(picture)
        if header.fault:
            raise InputError("The picture cannot be read", where=picture.file, got=header.fault)
        stored = (header.width, header.height)
        stated = (picture.width or header.width, picture.height or header.height)
        if header.turned:
            content.notes.add(TURNED, picture.name)
        if stated not in (stored, header.upright):
            raise InputError(
                "The annotations do not fit the picture",
                where=picture.file,
                expected=f"{stated[0]}x{stated[1]} pixels",
                got=f"{header.width}x{header.height}",
            )
        picture.width, picture.height = stated
