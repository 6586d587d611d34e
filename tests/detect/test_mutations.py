"""Whatever bytes a picture has: it is read, or one line says why not, and memory stays small."""

from __future__ import annotations

import io
import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ckssd.detect.images import decode_image
from ckssd.detect.orientation import tag_in
from ckssd.errors import InputError
from ckssd.memory import peak_memory_mb

MUTATIONS = 2000
MEGABYTES = (
    700  # a header may claim 179 million pixels, of which decoders take memory before they see the end
)


def stored(image: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def small_pictures() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((48, 32), Image.Resampling.BILINEAR)
    deep = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    return {
        "JPEG": stored(picture, "JPEG", exif=exif),
        "progressive JPEG": stored(picture, "JPEG", progressive=True),
        "CMYK JPEG": stored(picture.convert("CMYK"), "JPEG"),
        "PNG": stored(picture, "PNG", exif=exif),
        "PNG with palette": stored(picture.convert("P"), "PNG", transparency=2),
        "deep PNG": stored(deep, "PNG"),
        "WebP": stored(picture, "WEBP", exif=exif),
        "GIF": stored(picture, "GIF"),
        "TIFF": stored(picture, "TIFF", exif=exif),
        "TIFF of floats": stored(picture.convert("F"), "TIFF"),
    }


def mutated(data: bytes, random: Random) -> bytes:
    """The data with a few bytes changed, left out, put in, or cut off."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(len(changed) + 1)
        kind = random.randrange(4)
        if kind == 0:
            del changed[at : at + random.randrange(1, 40)]
        elif kind == 1:
            changed[at:at] = random.randbytes(random.randrange(1, 9))
        elif kind == 2:
            changed[at : at + 1] = random.randbytes(1)
        elif at % 4 == 0:
            del changed[at:]
    return bytes(changed)


def read(data: bytes) -> np.ndarray | str:
    """The pixels, or the one line."""
    try:
        return decode_image(data, Path("x"), tag_in(data))
    except InputError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_two_thousand_mutations_are_pictures_or_one_line() -> None:
    random, pictures = Random(8), list(small_pictures().items())
    before, refused = peak_memory_mb(), 0
    for number in range(MUTATIONS):
        kind, data = pictures[number % len(pictures)]
        got = read(mutated(data, random))
        if isinstance(got, str):
            refused += 1
            assert re.fullmatch(r"The [a-z ]+: x \(got [^\n]+\)", got), f"{kind}, {number}"
            assert " at 0x" not in got
        else:
            assert (got.dtype, got.ndim, got.shape[2]) == (np.uint8, 3, 3)
    assert MUTATIONS / 4 < refused < MUTATIONS * 3 / 4
    assert peak_memory_mb() < before + MEGABYTES
