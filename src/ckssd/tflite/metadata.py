"""Files that TFLite's metadata put inside a model: a zip archive at its end.

Source: https://ai.google.dev/edge/litert/models/metadata (associated files)
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

MOST_BYTES = 4_000_000
# What damaged or encrypted archives lead zipfile to, beside its own error.
BROKEN = (ValueError, NotImplementedError, EOFError, RuntimeError, zlib.error)


def has_labels(model: Path) -> bool:
    """Whether a TFLite file has a text file inside."""
    try:
        return bool(_listed(model))
    except (OSError, zipfile.BadZipFile):
        return False


def label_texts(model: Path) -> dict[str, bytes]:
    """The text files inside a TFLite file, by name; those whose names say labels, if any does.

    Raises
    ------
    OSError, zipfile.BadZipFile
        The archive is damaged, or a file in it too large.
    """
    texts = {}
    with _opened(model) as archive:
        for name in _listed(model):
            texts[name] = _read(archive, name)
            if len(texts[name]) > MOST_BYTES:
                raise zipfile.BadZipFile(f"{name} has more than {MOST_BYTES} bytes")
    return texts


def _listed(model: Path) -> list[str]:
    with _opened(model) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".txt")]
    return [name for name in names if "label" in name.lower()] or names


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """No more than MOST_BYTES and one, whatever the archive says of the file's size."""
    try:
        with archive.open(name) as file:
            return file.read(MOST_BYTES + 1)
    except BROKEN as error:
        raise zipfile.BadZipFile(f"{name}: {error or type(error).__name__}") from error


def _opened(model: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(model)
    except BROKEN as error:
        raise zipfile.BadZipFile(str(error)) from error
