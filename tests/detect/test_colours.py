"""Every kind of colour becomes 8 bits a channel by its stated rule; nothing is clipped."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageCms

from ckssd.detect.images import decode_image
from ckssd.errors import InputError

ZERO_IS_WHITE, TWELVE_BITS = {262: 0}, {258: 12}


def stored(image: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def decoded(image: Image.Image, file_format: str, **options: Any) -> np.ndarray:
    return decode_image(stored(image, file_format, **options), Path("x"))


def grey_levels(values: list[float], dtype: Any, file_format: str = "TIFF", **options: Any) -> list[int]:
    pixels = decoded(Image.fromarray(np.array([values], dtype)), file_format, **options)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[0, :, 0].tolist()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_divided_by_257_and_rounded(file_format: str) -> None:
    values = [0, 128, 129, 385, 386, 32767, 32768, 65406, 65407, 65535]
    assert grey_levels(values, np.uint16, file_format) == [0, 0, 1, 1, 2, 127, 128, 254, 255, 255]
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.rint(every / 257)
    np.testing.assert_array_equal(decoded(Image.fromarray(every), file_format)[:, :, 1], expected)


def test_sixteen_bit_grey_from_the_other_byte_order_is_the_same() -> None:
    image = Image.fromarray(np.array([[0, 257, 65535]], ">u2"))
    assert decoded(image, "TIFF")[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.25, 0.5, 1.0], [0, 64, 128, 255]),
        ([0.0, 1.2, 99.6, 255.0], [0, 1, 100, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([1000.0, 2000.0, 3000.0], [0, 128, 255]),
        ([0.0, 256.0], [0, 255]),
        ([-3.4e38, 0.0, 3.4e38], [0, 128, 255]),
        ([0.0, 0.0], [0, 0]),
        ([77.0, 77.0], [77, 77]),
        ([999.0, 999.0], [0, 0]),
    ],
)
def test_floats_are_scaled_by_what_they_hold(values: list[float], expected: list[int]) -> None:
    assert grey_levels(values, np.float32) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], [0, 1]),
        ([3, 255], [3, 255]),
        ([0, 65535], [0, 255]),
        ([-5, 0, 5], [0, 128, 255]),
        ([2**31 - 101, 2**31 - 51, 2**31 - 1], [0, 128, 255]),
        ([-(2**31), 2**31 - 1], [0, 255]),
    ],
)
def test_whole_numbers_of_32_bits_are_kept_or_scaled(values: list[int], expected: list[int]) -> None:
    assert grey_levels(values, np.int32) == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(
        InputError, match=r"cannot be decoded: x \(got values that are no numbers: NaN or inf"
    ):
        grey_levels([0.5, value], np.float32)


def test_where_a_tiffs_zero_is_white_it_is_white() -> None:
    deep = np.array([0, 257, 65535])
    assert grey_levels(deep.tolist(), np.uint16, tiffinfo=ZERO_IS_WHITE) == [255, 254, 0]


def twelve_bits(values: list[int]) -> bytes:
    """A TIFF of one row; two values in three bytes."""
    packed = b"".join(
        (a << 12 | b).to_bytes(3, "big") for a, b in zip(values[::2], values[1::2], strict=True)
    )
    row = Image.fromarray(np.zeros((1, len(values)), np.uint16))
    data = bytearray(stored(row, "TIFF"))
    with Image.open(io.BytesIO(data)) as image:
        (at,) = image.tag_v2[273]
    data[at:] = packed + bytes(len(data) - at - len(packed))
    bits = data.index(bytes([2, 1, 3, 0, 1, 0, 0, 0]))  # BitsPerSample, one SHORT
    data[bits + 8] = 12
    counts = data.index(bytes([23, 1]))
    data[counts + 8 : counts + 12] = len(packed).to_bytes(4, "little")
    return bytes(data)


def test_twelve_bit_grey_is_scaled_by_its_own_white() -> None:
    pixels = decode_image(twelve_bits([0, 4095, 2048, 16]), Path("x"))
    assert pixels[0, :, 0].tolist() == [0, 255, 128, 1]


def picture(mode: str) -> Image.Image:
    values = np.random.default_rng(3).integers(
        0, 256, (6, 8, len(Image.new(mode, (1, 1)).getbands())), np.uint8
    )
    return Image.fromarray(values.squeeze(), mode) if mode != "PA" else Image.new("PA", (8, 6), (1, 2))


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_colours_stay_whatever_is_transparent(mode: str, file_format: str) -> None:
    image = picture(mode)
    colours = np.asarray(image)
    expected = (
        colours[:, :, :3] if mode.startswith("RGB") else colours.reshape(6, 8, -1)[:, :, :1].repeat(3, 2)
    )
    np.testing.assert_array_equal(decoded(image, file_format), expected)


def test_black_and_white_is_0_and_255() -> None:
    bits = np.random.default_rng(4).integers(0, 2, (6, 9)).astype(bool)
    for file_format in ("PNG", "TIFF", "PPM"):
        pixels = decoded(Image.fromarray(bits), file_format)
        np.testing.assert_array_equal(pixels[:, :, 2], bits * 255)


@pytest.mark.filterwarnings("ignore:Palette images:UserWarning")
@pytest.mark.parametrize("transparency", [None, 2, bytes([255, 0, 128])])
@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_a_palettes_colours_stay_whatever_is_transparent(file_format: str, transparency: Any) -> None:
    if file_format == "GIF" and isinstance(transparency, bytes):
        transparency = 1
    palette = [[200, 10, 30], [0, 250, 5], [40, 50, 60]]
    image = Image.fromarray(np.array([[0, 1, 2], [2, 1, 0]], np.uint8), "P")
    image.putpalette(np.array(palette, np.uint8).tobytes())
    options = {} if transparency is None else {"transparency": transparency}
    pixels = decoded(image, file_format, **options)
    assert pixels.tolist() == [palette, palette[::-1]]


def png(kind: int, depth: int, row: bytes, width: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    parts = {b"IHDR": header, b"IDAT": zlib.compress(b"\0" + row), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items())


def test_sixteen_bit_colour_keeps_its_upper_bits() -> None:
    row = np.array([0, 255, 256, 65535, 0x1234, 0xFEFF], ">u2").tobytes()
    pixels = decode_image(png(2, 16, row, 2), Path("x.png"))
    assert pixels.tolist() == [[[0, 0, 1], [255, 0x12, 0xFE]]]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_few_bits_is_scaled(depth: int) -> None:
    white = bytes([0xFF << (8 - depth) & 0xFF])
    pixels = decode_image(png(0, depth, white, 2), Path("x.png"))
    assert pixels[0, :, 0].tolist() == [255, 0]


COLOURS = np.array([[200, 30, 40], [20, 180, 60], [50, 60, 220], [128, 128, 128]], np.uint8)


def test_cmyk_as_adobe_inverts_it_looks_as_it_should() -> None:
    blocks = COLOURS.reshape(2, 2, 3).repeat(32, 0).repeat(32, 1)
    by_pillow = stored(Image.fromarray(blocks).convert("CMYK"), "JPEG", quality=95)
    inverted = np.dstack([blocks, np.full(blocks.shape[:2], 255, np.uint8)])
    ycck = simplejpeg.encode_jpeg(np.ascontiguousarray(inverted), 95, "CMYK", "444")
    assert simplejpeg.decode_jpeg_header(by_pillow)[2] == "CMYK"
    assert simplejpeg.decode_jpeg_header(ycck)[2] == "YCCK"
    for data in (by_pillow, ycck):
        assert b"Adobe" in data
        centres = decode_image(data, Path("x.jpg"))[16::32, 16::32].reshape(4, 3)
        assert np.abs(centres.astype(int) - COLOURS).max() <= 6


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("GIF", {}),
        ("WEBP", {"lossless": True}),
        ("PNG", {}),
        ("TIFF", {}),
        ("MPO", {"quality": 100, "subsampling": 0}),
    ],
)
def test_of_several_images_it_is_the_first(file_format: str, options: dict[str, Any]) -> None:
    first, second = (Image.new("RGB", (16, 8), colour) for colour in ((250, 0, 0), (0, 0, 250)))
    pixels = decoded(first, file_format, save_all=True, append_images=[second, first], **options)
    assert pixels.shape == (8, 16, 3)
    assert np.abs(pixels.astype(int) - np.array([250, 0, 0])).max() <= 5


def test_a_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for file_format in ("PNG", "JPEG"):
        image = picture("RGB")
        plain = decoded(image, file_format)
        np.testing.assert_array_equal(decoded(image, file_format, icc_profile=profile), plain)
