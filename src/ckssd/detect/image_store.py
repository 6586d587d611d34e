"""Resized images in a folder: what was stored comes back to the bit, or counts as not there.

An entry: MAGIC, the pixels' NumPy type and their height and width; then width and height of the image before
it was resized; then the SHA-256 of all that and of the pixels; then the pixels. Numbers are little-endian.
All but size and hash is known before an entry is opened, and so is its length: nothing it says is believed.
Entries are written beside their place and renamed, so that many runs share a folder.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ckssd.detect.resize import Resized

MAGIC = b"ckssdpx1"  # another layout gets another one
SUFFIX = ".pixels"
KIND = struct.Struct("<8s4sII")
SIZE = struct.Struct("<II")
HASH_BYTES = hashlib.sha256().digest_size

Size = tuple[int, int]


class ImageStore:
    """Images of one size and type, found by keys.

    Parameters
    ----------
    folder
        Made when the first image is stored.
    width, height, dtype
        Of every image [height, width, 3] here.
    """

    def __init__(self, folder: Path, width: int, height: int, dtype: npt.DTypeLike) -> None:
        self.folder = folder
        self._shape = (height, width, 3)
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._kind = KIND.pack(MAGIC, self._dtype.str.encode("ascii"), height, width)
        self._pixels_at = len(self._kind) + SIZE.size + HASH_BYTES
        self._bytes = self._pixels_at + height * width * 3 * self._dtype.itemsize

    def load(self, key: str) -> tuple[Resized, Size] | None:
        """An image and its width and height before; None if it is not there, or not as it was stored."""
        try:
            with self._place(key).open("rb") as file:
                entry = memoryview(file.read(self._bytes + 1))
        except OSError:
            return None
        hash_at = len(self._kind) + SIZE.size
        described, stored_hash, pixels = (
            entry[:hash_at],
            entry[hash_at : self._pixels_at],
            entry[self._pixels_at :],
        )
        if len(entry) != self._bytes or described[: len(self._kind)] != self._kind:
            return None
        if stored_hash != _hash(described, pixels):
            return None
        width, height = SIZE.unpack(described[len(self._kind) :])
        return np.frombuffer(pixels, self._dtype).reshape(self._shape), (width, height)

    def store(self, key: str, pixels: Resized, size: Size) -> None:
        """Store an image, in place of whatever has its key.

        Raises
        ------
        OSError
            If nothing can be written; what was there before is still there.
        """
        place = self._place(key)
        described = self._kind + SIZE.pack(*size)
        content = np.ascontiguousarray(pixels, self._dtype).data.cast("B")
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines((described, _hash(described, content), content))
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}{SUFFIX}"


def _hash(described: bytes | memoryview, pixels: memoryview) -> bytes:
    made = hashlib.sha256(described)
    made.update(pixels)
    return made.digest()
