"""An image is turned as its orientation tag says, in every format, or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from ckssd.detect.images import decode_image
from ckssd.detect.orientation import tag_in, turn, turn_back

# Where the stored rows and columns of the picture 1 2 3 / 4 5 6 go (EXIF 2.3, figure 30).
UPRIGHT = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[4, 1], [5, 2], [6, 3]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[3, 6], [2, 5], [1, 4]],
}
FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "TIFF compressed": {"compression": "tiff_lzw"},
    "MPO": {"quality": 95, "save_all": True},
}


def exif(tag: Any) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = tag
    return made


def written(file_format: str, tag: Any = None, **more: Any) -> bytes:
    """A picture with a different colour in each of six parts."""
    colours = np.array(UPRIGHT[1], np.uint8)[:, :, np.newaxis] * np.array([40, 30, 20], np.uint8)
    file = io.BytesIO()
    options = {**FORMATS.get(file_format, {}), **more, **({} if tag is None else {"exif": exif(tag)})}
    Image.fromarray(colours.repeat(16, 0).repeat(16, 1)).save(file, file_format.split()[0], **options)
    return file.getvalue()


def parts(pixels: np.ndarray) -> list[list[int]]:
    return np.rint(pixels[8::16, 8::16, 0] / 40).astype(int).tolist()


@pytest.mark.parametrize("tag", UPRIGHT)
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_orientation_is_read_and_applied_or_not(file_format: str, tag: int) -> None:
    data = written(file_format, tag)
    assert tag_in(data) == tag
    assert parts(decode_image(data, Path("x"))) == UPRIGHT[1]
    upright = decode_image(data, Path("x"), turned_by=tag)
    assert parts(upright) == UPRIGHT[tag]
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(upright, np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("tag", UPRIGHT)
def test_turning_back_undoes_turning(tag: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(turn_back(turn(pixels, tag), tag), pixels)
    assert turn(pixels, tag).flags.c_contiguous


@pytest.mark.parametrize("file_format", sorted(FORMATS.keys() - {"TIFF compressed"}))  # libtiff writes none
@pytest.mark.parametrize("tag", [None, 0, 9, 65535])
def test_no_tag_and_one_that_means_nothing_leave_the_image(file_format: str, tag: int | None) -> None:
    assert tag_in(written(file_format, tag)) == 1


XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'


def text_chunk(kind: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if kind == "iTXt":
        info.add_itxt("XML:com.adobe.xmp", XMP)
    else:
        raw = exif(8).tobytes()
        text = f"\nexif\n{len(raw):8}\n{raw.hex()}\n"
        info.add_text("Raw profile type exif", text, zip=kind == "zTXt")
    return info


@pytest.mark.parametrize("kind", ["iTXt", "zTXt", "tEXt"])
def test_a_tag_in_a_text_of_a_png_counts(kind: str) -> None:
    assert tag_in(written("PNG", pnginfo=text_chunk(kind))) == 8


def test_a_tag_in_xmp_of_a_jpeg_counts() -> None:
    assert tag_in(written("JPEG", xmp=XMP.encode())) == 8


def test_a_tag_behind_other_segments_is_found() -> None:
    data = written("JPEG", 6, icc_profile=b"\xff\xda" * 50_000, comment=b"\xff\xda" * 99)
    assert tag_in(data) == 6


def test_exif_before_its_own_thumbnail_and_after_padding_is_found() -> None:
    data = written("JPEG", 3)
    at = data.index(b"\xff\xe1")
    assert tag_in(data[:at] + b"\xff\xff\xff" + data[at:]) == 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_exif_that_cannot_be_read_leaves_the_image(file_format: str) -> None:
    data = written(file_format, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert tag_in(data) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\0Exif\0\0", b"\x89PNG\r\n\x1a\n\0", b"II*\0"]
)
def test_bytes_that_end_anywhere_have_no_tag(data: bytes) -> None:
    assert tag_in(data) == 1
