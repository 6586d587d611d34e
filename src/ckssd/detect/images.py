"""Image files as pixels: RGB, 8 bits a channel.

COCO's boxes refer to the pixels as they are stored, so they are not turned unless it is asked for (see
ckssd.detect.orientation). Every kind of colour has its rule (see ckssd.detect.colours); ICC profiles are
ignored. Of several images (animated GIF, WebP, PNG; MPO, TIFF) it is the first.

Pillow says what an image is. JPEGs go to simplejpeg first, where it is installed: the same libjpeg-turbo with
the same exact settings gives the same pixels in two thirds of the time. What it cannot decode (CMYK, a file
that only claims to be a JPEG) Pillow decides.

An image with damaged data is unreadable, although decoders would show something of it. Of a JPEG, damage is
what libjpeg-turbo warns of. Pillow hides its warnings and notices only a missing end: where there is no
simplejpeg, other damage passes (``finds_damage``). Of a PNG, it is a wrong checksum in any chunk, or a
missing end: without IEND it was cut, though its pixels may all be there. What follows the end does not count.
A header that claims more than Pillow takes (179 million pixels), or than a JPEG's bytes can hold, is refused
before any memory is taken. HEIC is not read, nor EPS, for which Pillow would start Ghostscript.
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from ckssd.detect.colours import to_rgb
from ckssd.detect.orientation import JPEG_START, NO_TURN, swaps_sides, tag_of, turn, turn_back
from ckssd.detect.pixels import Pixels
from ckssd.errors import InputError

Size = tuple[int, int]
Least = Callable[[int, int], Size]

CHANNEL_ORDER = "RGB"
UNREADABLE = "The file is no image that can be read"
SAME_AS_PILLOW = ("YCbCr", "Gray", "RGB")
# What Pillow refuses.
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
# A block of 8x8 pixels takes a bit at least.
MOST_PIXELS_A_BYTE = 8 * 64
# How libjpeg-turbo's warnings of damaged data begin; others are about headers and leave the pixels right.
DAMAGED = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression sequence")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
NOT_DECODED = ("EPS",)

# Pillow warns, by a line of its own code, of headers that do not matter and of large images that it takes.
warnings.filterwarnings("ignore", module=r"PIL\.")


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


def decode_scaled(data: bytes, path: Path, least: Least, turned_by: int = NO_TURN) -> tuple[Pixels, Size]:
    """Decode an image file's bytes, a JPEG to fewer pixels than it has: eighths of its width and height.

    libjpeg-turbo leaves out the coefficients of the DCT that a smaller picture has no use for. Other formats,
    and JPEGs that Pillow decides about, are decoded whole.

    Parameters
    ----------
    data, path, turned_by
        See ``decode_image``, which raises the same.
    least
        Gives, for the picture's width and height after it is turned, those that the pixels have at least.

    Returns
    -------
    pixels
        uint8 [height, width, 3], red first.
    size
        Width and height of the whole picture, after it is turned.
    """
    sizes: list[Size] = []

    def of_stored(width: int, height: int) -> Size:
        sizes.append((height, width) if swaps_sides(turned_by) else (width, height))
        across, down = least(*sizes[0])
        return (down, across) if swaps_sides(turned_by) else (across, down)

    pixels = _decode_jpeg(data, path, of_stored)
    if pixels is None:
        whole = turn(_decode_by_pillow(data, path), turned_by)
        return whole, (whole.shape[1], whole.shape[0])
    return turn(pixels, turned_by), sizes[0]


def decoder() -> str:
    """The distribution that decodes JPEGs here."""
    return decoders()[0]


def decoders() -> tuple[str, ...]:
    """The distributions that decode images here, the one for JPEGs first."""
    return ("pillow",) if _simplejpeg() is None else ("simplejpeg", "pillow")


def decodes_scaled() -> bool:
    """Whether JPEGs can be decoded to fewer pixels here, by `decode_scaled`."""
    return _simplejpeg() is not None


def finds_damage() -> bool:
    """Whether a JPEG with damaged data is refused here, or only one that was cut."""
    return _simplejpeg() is not None


def _decode_jpeg(data: bytes, path: Path, least: Least | None = None) -> Pixels | None:
    """A JPEG's pixels, or None where Pillow should decide."""
    simplejpeg = _simplejpeg()
    if simplejpeg is None or not data.startswith(JPEG_START):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > MOST_PIXELS:
            return None
        _check_bytes(width, height, data)
        # CMYK is decoded for its damage only: the conversion to RGB is Pillow's.
        wanted = "RGB" if colours in SAME_AS_PILLOW else "CMYK"
        across, down = (0, 0) if least is None else least(width, height)  # 0: whole
        pixels: Pixels = simplejpeg.decode_jpeg(
            data, wanted, fastdct=False, fastupsample=False, min_width=across, min_height=down, strict=True
        )
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
            return _loaded(image, data)
    except UnidentifiedImageError as error:
        got, advice = _kind(data)
        raise InputError(UNREADABLE, where=path, got=got, advice=advice) from error
    except Image.DecompressionBombError as error:
        raise InputError(UNREADABLE, where=path, got=_reason(error)) from error
    except Exception as error:  # Pillow raises whatever broken data lead to
        raise _undecodable(path, error) from error


def _loaded(image: Image.Image, data: bytes) -> Pixels:
    if image.format in NOT_DECODED:
        raise UnidentifiedImageError
    if image.format == "PNG":
        _verify(data)
    if data.startswith(JPEG_START):
        _check_bytes(*image.size, data)
    # Pillow turns a TIFF while it loads it, and no other format.
    turned = tag_of(image) if image.format == "TIFF" else NO_TURN
    image.load()
    return turn_back(to_rgb(image), turned)


def _check_bytes(width: int, height: int, data: bytes) -> None:
    if width * height > MOST_PIXELS_A_BYTE * len(data):
        raise ValueError(f"{DAMAGED[1]}: {width}x{height} pixels in {len(data)} bytes")


def _kind(data: bytes) -> tuple[str, str | None]:
    """What a file is that Pillow does not know, and what to do about it."""
    if not data:
        return "an empty file", None
    if data[4:8] == b"ftyp" and data[8:12] in HEIC:
        return "HEIC", "convert it to JPEG or PNG"
    return "no known image format", None


def _verify(data: bytes) -> None:
    """Check the chunks of a PNG up to its end, which decoding leaves out; raises as decoding does."""
    with Image.open(io.BytesIO(data)) as image:
        image.verify()


def _undecodable(path: Path, error: Exception) -> InputError:
    return InputError("The image cannot be decoded", where=path, got=_reason(error))


def _reason(error: Exception) -> str:
    """The first line of Pillow's own words, or the error's name if it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
