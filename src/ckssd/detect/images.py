"""Image files as pixels: RGB, 8 bits a channel.

COCO's boxes refer to the pixels as they are stored, so they are not turned unless it is asked for
(``ckssd.detect.orientation``).
Grey images get three equal channels, CMYK and palettes are converted by Pillow, transparency is dropped,
and 16-bit grey keeps its upper 8 bits.

Pillow says what an image is. JPEGs go to simplejpeg first, where it is installed: the same libjpeg-turbo with
the same exact settings gives the same pixels in two thirds of the time. What it cannot decode (CMYK, a file
that only claims to be a JPEG) Pillow decides.

An image with damaged data is unreadable, although decoders would show something of it. Of a JPEG, damage is
what libjpeg-turbo warns of. Pillow hides its warnings and notices only a missing end: where there is no
simplejpeg, other damage passes (``finds_damage``). Of a PNG, it is a wrong checksum in any chunk, or a
missing end: without IEND it was cut, though its pixels may all be there. What follows the end does not count.
"""

from __future__ import annotations

import importlib
import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from ckssd.detect.orientation import JPEG_START, NO_TURN, tag_of, turn, turn_back
from ckssd.detect.pixels import Pixels
from ckssd.errors import InputError

CHANNEL_ORDER = "RGB"
SAME_AS_PILLOW = ("YCbCr", "Gray", "RGB")
# Pillow refuses twice as many; a header that claims more is left to it.
MOST_PIXELS = Image.MAX_IMAGE_PIXELS or 0
# How libjpeg-turbo's warnings of damaged data begin; others are about headers and leave the pixels right.
DAMAGED = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression sequence")


def read_image(path: Path) -> Pixels:
    """Decode an image file; see ``read_file`` and ``decode_image``."""
    return decode_image(read_file(path), path)


def read_file(path: Path) -> bytes:
    """Read an image file's bytes.

    Raises
    ------
    InputError
        If the file is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("The image is missing", where=path) from error
    except OSError as error:
        raise InputError("The image cannot be read", where=path, got=error.strerror) from error


def decode_image(data: bytes, path: Path, turned_by: int = NO_TURN) -> Pixels:
    """Decode an image file's bytes.

    Parameters
    ----------
    data, path
        The file's bytes, and its path for the error.
    turned_by
        The orientation tag that is applied to the stored pixels.

    Returns
    -------
    Pixels
        uint8 [height, width, 3], red first.

    Raises
    ------
    InputError
        If the data are truncated, damaged or no image.
    """
    pixels = _decode_jpeg(data, path)
    return turn(_decode_by_pillow(data, path) if pixels is None else pixels, turned_by)


def decoder() -> str:
    """The distribution that decodes JPEGs here."""
    return decoders()[0]


def decoders() -> tuple[str, ...]:
    """The distributions that decode images here, the one for JPEGs first."""
    return ("pillow",) if _simplejpeg() is None else ("simplejpeg", "pillow")


def finds_damage() -> bool:
    """Whether a JPEG with damaged data is refused here, or only one that was cut."""
    return _simplejpeg() is not None


def _decode_jpeg(data: bytes, path: Path) -> Pixels | None:
    """A JPEG's pixels, or None where Pillow should decide."""
    simplejpeg = _simplejpeg()
    if simplejpeg is None or not data.startswith(JPEG_START):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > MOST_PIXELS:
            return None
        # CMYK is decoded for its damage only: the conversion to RGB is Pillow's.
        wanted = "RGB" if colours in SAME_AS_PILLOW else "CMYK"
        pixels: Pixels = simplejpeg.decode_jpeg(data, wanted, fastdct=False, fastupsample=False, strict=True)
    except ValueError as error:
        if str(error).startswith(DAMAGED):
            raise _undecodable(path, error) from error
        return None
    return pixels if wanted == "RGB" else None


@cache
def _simplejpeg() -> Any:
    try:
        return importlib.import_module("simplejpeg")
    except ImportError:
        return None


def _decode_by_pillow(data: bytes, path: Path) -> Pixels:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format == "PNG":
                _verify(data)
            # Pillow turns a TIFF while it loads it, and no other format.
            turned = tag_of(image) if image.format == "TIFF" else NO_TURN
            image.load()
            return turn_back(_to_rgb(image), turned)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError("The file is no image that can be read", where=path, got=_reason(error)) from error
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow's decoders raise for broken data
        raise _undecodable(path, error) from error


def _verify(data: bytes) -> None:
    """Check the chunks of a PNG up to its end, which decoding leaves out; raises as decoding does."""
    with Image.open(io.BytesIO(data)) as image:
        image.verify()


def _undecodable(path: Path, error: Exception) -> InputError:
    return InputError("The image cannot be decoded", where=path, got=_reason(error))


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        image = image.convert("RGBA")  # then dropping the fourth channel leaves the colours untouched
        return np.ascontiguousarray(np.asarray(image)[:, :, :3])
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _reason(error: Exception) -> str:
    """Pillow's own words, without the buffer's address that it puts into some."""
    return "no known image format" if isinstance(error, UnidentifiedImageError) else str(error)
