"""A data set of a person's own, in any format: read, checked, and kept as COCO's layout with its pictures.

The source is named by variables of the install, which are part of what tells installations apart. Its
pictures are copied: an installation stands by itself, and is verified like any other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ckssd.coco.image_address import kept_image_address
from ckssd.errors import UsageError, short
from ckssd.formats.reading import ALL, plain
from ckssd.install import Provenance, SourceRecord
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import say, step
from ckssd.values import switch

if TYPE_CHECKING:
    from ckssd.formats.content import Content

FORMAT, SOURCE, NAME, SPLIT = "CK_IMPORT_FORMAT", "CK_IMPORT_SOURCE", "CK_IMPORT_NAME", "CK_IMPORT_SPLIT"
FIRST_PIXEL, LEAVE_OUT_MISSING = "CK_IMPORT_FIRST_PIXEL", "CK_IMPORT_LEAVE_OUT_MISSING"
IMAGE_ADDRESS = "CK_IMPORT_IMAGE_ADDRESS"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}")
MOST_RECORDS = 20
KEY = "imported"
"""In a provenance's ``extra``: what the data set was made from."""


def check_name(what: str, name: str) -> str:
    """Return a name that can be a tag and a part of a folder's name; raises UsageError."""
    if not PLAIN_NAME.fullmatch(name):
        raise UsageError(
            f"{what} cannot be a tag",
            expected="up to 40 letters, digits and _.+- of ASCII",
            got=repr(short(name)),
        )
    return name


def _check(package: Package, there: Provenance) -> None:
    """An import of the same source: whether the source is still what it was."""
    if not Path(package.options.get(SOURCE, "")).exists():
        return  # an installation stands by itself
    content = _pending.pop(_key(package.options), None) or read_asked(package.options)
    recorded = there.extra.get(KEY, {})
    if recorded.get("annotations") == digest_of(content) and recorded.get("pictures") == _pictures(content):
        return
    raise UsageError(
        "The source is no longer what was imported",
        where=package.options.get(SOURCE),
        advice="import it again: --reinstall (ck: --env.CK_REINSTALL=yes), or give it another name",
    )


@recipe(
    content={
        **dict.fromkeys((FORMAT, SOURCE, NAME, SPLIT, IMAGE_ADDRESS), ""),
        FIRST_PIXEL: "1",
        LEAVE_OUT_MISSING: "no",
    },
    named_by=(NAME, SPLIT),
    check=_check,
)
def imported_dataset(package: Package, staging: Path) -> Used:
    """Read the source, copy its pictures, write the annotations.

    Raises
    ------
    UsageError, InputError
        A variable makes no sense, or the source is not in the format.
    """
    # Here, because it brings NumPy and Pillow, which the other recipes need not wait for.
    from ckssd.formats import coco
    from ckssd.formats.pictures import complete_sizes
    from ckssd.formats.writing import Folder

    ahead = _pending.pop(_key(package.options), None)
    content = ahead or read_asked(package.options)
    digest, pictures = digest_of(content), _pictures(content)
    complete_sizes(content)
    step(f"Copying {len(content.pictures)} pictures")
    coco.write(content, Folder(staging))
    for note in content.notes.lines() if ahead is None else ():  # who read ahead says them with the result
        say(f"Note: {note}")
    made = {
        "format": package.options[FORMAT],
        "source": package.options[SOURCE],
        "split": content.split,
        "notes": list(content.notes.lines()),
        "annotations": digest,
        "pictures": pictures,
    }
    return Used(sources=_records(content), tools={"pillow": version("pillow")}, extra={KEY: made})


def read_ahead(options: Mapping[str, str]) -> Content:
    """Read what an install with these variables will, and keep it for that install in this process.

    Raises
    ------
    UsageError, InputError
        As :func:`imported_dataset`.
    """
    content = read_asked(options)
    _pending.clear()
    _pending[_key({**options, SPLIT: split_tag(content.split)})] = content
    return content


def split_tag(split: str | None) -> str:
    """Return the tag of a split, which can also be asked for by it."""
    return ALL if split is None else plain(split)


def _key(options: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        options.get(name, "").strip() for name in (FORMAT, SOURCE, SPLIT, FIRST_PIXEL, LEAVE_OUT_MISSING)
    )


_pending: dict[tuple[str, ...], Content] = {}


def read_asked(given: Mapping[str, str]) -> Content:
    """Read the source that the variables name; its pictures are there, or left out if that is asked for.

    Raises
    ------
    UsageError, InputError
        As :func:`imported_dataset`.
    """
    from ckssd.formats.names import read_source
    from ckssd.formats.options import Reading
    from ckssd.formats.pictures import require_pictures

    missing = [name for name in (FORMAT, SOURCE, NAME) if not given.get(name, "").strip()]
    if missing:
        raise UsageError(
            "What to import is not said",
            expected=", ".join(missing),
            advice="`ckssd dataset import --format FORMAT SOURCE --name NAME`",
        )
    check_name(NAME, given[NAME].strip())
    split = given.get(SPLIT, "").strip() or None
    if split is not None:
        check_name(SPLIT, split)
    if address := given.get(IMAGE_ADDRESS, "").strip():
        kept_image_address(IMAGE_ADDRESS, address)
    reading = Reading(split, first_pixel(given.get(FIRST_PIXEL, "").strip() or "1"))
    content = read_source(given[FORMAT].strip(), Path(given[SOURCE].strip()), reading)
    leave_out = switch(LEAVE_OUT_MISSING, given.get(LEAVE_OUT_MISSING, ""))
    require_pictures(content, leave_out_missing=leave_out)
    return content


def first_pixel(text: str) -> int:
    """0 or 1; raises UsageError."""
    if text not in ("0", "1"):
        raise UsageError(f"{FIRST_PIXEL} has no value that can be used", expected="0 or 1", got=repr(text))
    return int(text)


def digest_of(content: Content) -> str:
    """The SHA-256 of all that was read from annotations."""
    found = hashlib.sha256(repr((content.split, list(content.categories.items()))).encode())
    for picture in content.pictures:
        found.update(repr((picture.name, picture.id, picture.boxes)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _pictures(content: Content) -> str:
    """A digest of the pictures' names, sizes and times of change: to compare them, none is read."""
    found = hashlib.sha256()
    for picture in content.pictures:
        if picture.file is not None:
            status = picture.file.stat()
            found.update(
                repr((picture.name, status.st_size, status.st_mtime_ns)).encode("utf-8", "surrogatepass")
            )
    return found.hexdigest()


def _records(content: Content) -> list[SourceRecord]:
    """The annotation files; of very many, one record for all of them."""
    from ckssd.fetch.hashing import hash_file

    hashed = [(file, hash_file(file)) for file in content.read]
    if len(hashed) <= MOST_RECORDS:
        return [SourceRecord(file.name, found.sha256, found.size) for file, found in hashed]
    together = hashlib.sha256("".join(f"{found.sha256}  {file.name}\n" for file, found in hashed).encode())
    name = f"{len(hashed)} files, the hash of their `sha256sum`"
    return [SourceRecord(name, together.hexdigest(), sum(found.size for _, found in hashed))]
