"""Which way up an image is: the orientation tag of EXIF (or XMP), read and applied.

The tag says what turns stored pixels upright: 1 nothing, 2 to 4 mirror or turn by 180 degrees, 5 to 8 swap
width and height. No tag, another number, and one that cannot be read are 1, as viewers take them. Of JPEG and
PNG, Pillow is asked only where there is a segment or chunk that a tag would be in: most images have none.
"""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import ExifTags, Image

from ckssd.detect.choices import Orientation
from ckssd.detect.pixels import Pixels

NO_TURN = 1
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
OPPOSITE = {6: 8, 8: 6}  # the others undo themselves
SWAPS_FROM = 5

JPEG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
IN_JPEG = (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0")
# Names of chunks, and how texts begin.
IN_PNG = (
    b"eXIf",
    b"tEXtRaw profile type",
    b"zTXtRaw profile type",
    b"iTXtRaw profile type",
    b"iTXtXML:com.adobe",
)
CHUNK = struct.Struct(">I4s")
SEGMENT, SCAN = 0xFF, 0xDA


def tag_in(data: bytes) -> int:
    """The orientation tag of an image file's bytes, 1 to 8."""
    if not _may_have_tag(data):
        return NO_TURN
    try:
        with Image.open(io.BytesIO(data)) as image:
            return tag_of(image)
    except Exception:  # noqa: BLE001 - Pillow raises whatever broken data lead to; decoding says what is wrong
        return NO_TURN


def tag_of(image: Image.Image) -> int:
    """The orientation tag of an image that Pillow opened, 1 to 8; raises as Pillow does."""
    tag = image.getexif().get(ExifTags.Base.Orientation)
    return tag if tag in TURNS else NO_TURN


def applied(tag: int, orientation: Orientation) -> int:
    """The tag that turns the pixels of an image, 1 if they are used as they are stored."""
    return tag if orientation == "upright" else NO_TURN


def turn(pixels: Pixels, tag: int) -> Pixels:
    """Stored pixels [h, w, 3] upright."""
    if tag == NO_TURN:
        return pixels
    return np.asarray(Image.fromarray(pixels).transpose(TURNS[tag]))


def turn_back(pixels: Pixels, tag: int) -> Pixels:
    """Upright pixels [h, w, 3] as they were stored."""
    return turn(pixels, OPPOSITE.get(tag, tag))


def swaps_sides(tag: int) -> bool:
    """Whether width and height change places."""
    return tag >= SWAPS_FROM


def _may_have_tag(data: bytes) -> bool:
    if data.startswith(JPEG_START):
        end = _scan_at(data)
        return any(data.find(name, 0, end) >= 0 for name in IN_JPEG)
    return not data.startswith(PNG_START) or _is_in_chunk(data)


def _scan_at(data: bytes) -> int:
    """Where a JPEG's first scan begins, before which all tags are; its end if the segments are unusual."""
    at, end = 2, len(data)
    while at + 4 <= end and data[at] == SEGMENT:
        if data[at + 1] == SCAN:
            return at
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return end


def _is_in_chunk(data: bytes) -> bool:
    at = len(PNG_START)
    while at + CHUNK.size <= len(data):
        length, name = CHUNK.unpack_from(data, at)
        if name != b"IDAT" and data.startswith(IN_PNG, at + 4):
            return True
        at += CHUNK.size + length + 4  # and the checksum
    return False
