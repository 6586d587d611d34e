"""Images as a network wants them, read from files, and kept for the next run if there is a folder for it.

A kept image is found by the hash of its file, the method and library version that resized it, and its size:
no other image can come out. Files are written beside their place and renamed, so that many runs share a
folder; one that cannot be read counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ckssd.detect.images import decode_image, read_file
from ckssd.detect.resize import LIBRARIES, Resized, ResizeMethod, resize


@dataclass(frozen=True)
class Preprocessed:
    """An image [height, width, 3] resized for a network, and what it was before.

    ``size``: width and height of the file's image in pixels. ``from_cache``: it was kept from an earlier run.
    """

    pixels: Resized
    size: tuple[int, int]
    from_cache: bool = False


class ImageReader:
    """Reads image files and resizes them to one size; may be used by several threads.

    Parameters
    ----------
    width, height
        Of the resized images.
    method
        See ckssd.detect.resize.
    kept_in
        A folder for resized images, made if it is not there; None keeps none.
    """

    def __init__(self, width: int, height: int, method: ResizeMethod, kept_in: Path | None = None) -> None:
        self._width = width
        self._height = height
        self._method = method
        self._kept_in: Path | None = None
        if kept_in is not None:
            library = LIBRARIES[method]
            version = importlib.metadata.version(library)
            self._kept_in = kept_in / f"{method}-{library}-{version}-{width}x{height}"

    def read(self, path: Path) -> Preprocessed:
        """Read one image.

        Raises
        ------
        InputError
            It is missing, broken or no image.
        """
        data = read_file(path)
        if self._kept_in is None:
            return self._resized(data, path)
        place = self._place(self._kept_in, data)
        kept = self._load(place)
        if kept is not None:
            return kept
        made = self._resized(data, path)
        _store(place, made)
        return made

    def _resized(self, data: bytes, path: Path) -> Preprocessed:
        pixels = decode_image(data, path)
        size = (pixels.shape[1], pixels.shape[0])
        return Preprocessed(resize(pixels, self._width, self._height, self._method), size)

    def _place(self, folder: Path, data: bytes) -> Path:
        digest = hashlib.sha256(data).hexdigest()
        return folder / digest[:2] / f"{digest[2:]}.npy"

    def _load(self, place: Path) -> Preprocessed | None:
        try:
            with place.open("rb") as file:
                size, pixels = _array(file), _array(file)
        except (OSError, ValueError, EOFError):
            return None
        if size.shape != (2,) or pixels.shape != (self._height, self._width, 3):
            return None
        return Preprocessed(pixels, (int(size[0]), int(size[1])), from_cache=True)


def _array(file: BinaryIO) -> Resized:
    array: Resized = np.load(file, allow_pickle=False)
    return array


def _store(place: Path, image: Preprocessed) -> None:
    """Keep an image; a folder that is full or read-only keeps none, which only costs time."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                np.save(file, np.array(image.size))
                np.save(file, image.pixels)
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
