"""Every kind of image file has a defined result."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ckssd.detect import images
from ckssd.detect.images import decode_image, decoder, decoders, finds_damage, read_image
from ckssd.errors import InputError
from ckssd.memory import peak_memory_mb


def gradient(mode: str, size: tuple[int, int] = (31, 17)) -> Image.Image:
    width, height = size
    red = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    colours = np.stack([red, 255 - red, np.full_like(red, 90)], axis=2)
    return Image.fromarray(colours).convert(mode)


def test_pixels_are_rgb_rows_first(tmp_path: Path) -> None:
    image = Image.new("RGB", (4, 2), (10, 20, 30))
    image.putpixel((3, 0), (200, 100, 50))
    image.save(tmp_path / "farbig ä.png")
    pixels = read_image(tmp_path / "farbig ä.png")
    assert pixels.shape == (2, 4, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 3].tolist() == [200, 100, 50]
    assert pixels[1, 0].tolist() == [10, 20, 30]


def test_grey_has_three_equal_channels(tmp_path: Path) -> None:
    gradient("L").save(tmp_path / "grey.jpg")
    pixels = read_image(tmp_path / "grey.jpg")
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 1])
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"), [("CMYK", "jpg", 30), ("P", "png", 51), ("RGB", "webp", 30)]
)
def test_other_colour_spaces_look_the_same(tmp_path: Path, mode: str, suffix: str, tolerance: int) -> None:
    path = tmp_path / f"image.{suffix}"
    gradient(mode).save(path)
    difference = read_image(path).astype(int) - np.asarray(gradient("RGB")).astype(int)
    assert np.abs(difference).max() <= tolerance


def test_transparency_is_dropped_and_the_colour_kept(tmp_path: Path) -> None:
    Image.new("RGBA", (3, 3), (10, 200, 30, 0)).save(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png")[1, 1].tolist() == [10, 200, 30]


def test_an_orientation_tag_does_not_turn_the_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    gradient("RGB").save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (17, 31, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3000, 1)])
def test_odd_sizes_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    gradient("RGB", size).save(tmp_path / "odd.jpg", progressive=True)
    assert read_image(tmp_path / "odd.jpg").shape == (size[1], size[0], 3)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^The image is missing: .*none\.jpg$"):
        read_image(tmp_path / "none.jpg")


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(
        InputError, match=r"no image that can be read: .*text\.jpg \(got no known image format\)"
    ):
        read_image(tmp_path / "text.jpg")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_truncated_image_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"half.{suffix}"
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(InputError, match="half"):
        read_image(path)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The image cannot be read: .* \(got Is a directory\)"):
        read_image(tmp_path)


JPEGS: dict[str, dict[str, Any]] = {
    "best quality, full colour": {"quality": 100, "subsampling": 0},
    "colour halved across": {"quality": 90, "subsampling": 1},
    "colour halved both ways": {"quality": 60, "subsampling": 2},
    "progressive": {"quality": 85, "progressive": True},
    "progressive, colour halved": {"quality": 85, "progressive": True, "subsampling": 2},
    "restart markers": {"quality": 85, "restart_marker_blocks": 3},
    "optimised tables": {"quality": 85, "optimize": True},
    "stored as RGB": {"quality": 85, "keep_rgb": True},
}


def noise(mode: str = "RGB", size: tuple[int, int] = (99, 67)) -> Image.Image:
    values = np.random.default_rng(1).integers(
        0, 256, (size[1] // 3 + 1, size[0] // 3 + 1, 3), dtype=np.uint8
    )
    return Image.fromarray(values).resize(size, Image.Resampling.BILINEAR).convert(mode)


def by_pillow(data: bytes) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError):
        return None


def stored(image: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def as_jpeg(image: Image.Image, **options: Any) -> bytes:
    return stored(image, "JPEG", **options)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (99, 67), (640, 3)])
@pytest.mark.parametrize("kind", JPEGS)
def test_every_jpeg_has_the_pixels_that_pillow_gives(kind: str, size: tuple[int, int], mode: str) -> None:
    options = {key: value for key, value in JPEGS[kind].items() if key != "keep_rgb" or mode == "RGB"}
    data = as_jpeg(noise(mode, size), **options)
    assert np.array_equal(decode_image(data, Path("x.jpg")), by_pillow(data))


def test_the_fast_decoder_is_the_one_that_is_tested_here() -> None:
    assert decoder() == "simplejpeg"


@pytest.fixture
def without_simplejpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_simplejpeg", lambda: None)


def complaint(data: bytes) -> str:
    """What libjpeg-turbo says of a JPEG's data."""
    try:
        simplejpeg.decode_jpeg(data, strict=True)
    except ValueError as error:
        return str(error)
    return ""


@given(st.sampled_from(sorted(JPEGS)), st.integers(0, 6000), st.integers(0, 255), st.booleans())
def test_a_damaged_jpeg_is_refused_or_what_pillow_makes_of_it(
    kind: str, place: int, value: int, cut: bool
) -> None:
    data = bytearray(as_jpeg(noise(), **JPEGS[kind]))
    place %= len(data)
    if cut:
        del data[place:]
    else:
        data[place] = value
    expected = by_pillow(bytes(data))
    try:
        pixels = decode_image(bytes(data), Path("x.jpg"))
    except InputError:
        assert expected is None or complaint(bytes(data))
    else:
        assert np.array_equal(pixels, expected)


def with_zeros_in_the_middle(data: bytes, count: int = 40) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(count) + data[middle + count :]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", ["progressive", "best quality, full colour"])
def test_a_jpeg_with_damaged_data_is_refused_whatever_pillow_makes_of_it(kind: str, mode: str) -> None:
    data = with_zeros_in_the_middle(as_jpeg(noise(mode, (300, 200)), **JPEGS[kind]), 400)
    assert by_pillow(data) is not None
    with pytest.raises(InputError, match=r"cannot be decoded: x\.jpg \(got Corrupt JPEG data"):
        decode_image(data, Path("x.jpg"))


@pytest.mark.usefixtures("without_simplejpeg")
def test_pillow_alone_does_not_tell_damaged_data_and_we_say_so() -> None:
    data = with_zeros_in_the_middle(as_jpeg(noise(size=(300, 200)), progressive=True), 400)
    assert np.array_equal(decode_image(data, Path("x.jpg")), by_pillow(data))
    assert (decoder(), decoders(), finds_damage()) == ("pillow", ("pillow",), False)


@pytest.mark.usefixtures("without_simplejpeg")
def test_pillow_alone_refuses_a_jpeg_that_was_cut() -> None:
    data = as_jpeg(noise())
    with pytest.raises(InputError, match="cannot be decoded"):
        decode_image(data[: len(data) // 2], Path("x.jpg"))


def test_an_odd_header_is_no_damage() -> None:
    data = bytearray(as_jpeg(noise()))
    data[data.index(b"JFIF\0") + 5] = 9
    assert "unknown JFIF revision" in complaint(bytes(data))
    assert np.array_equal(decode_image(bytes(data), Path("x.jpg")), by_pillow(bytes(data)))


def test_what_follows_the_end_does_not_count() -> None:
    for file_format in ("JPEG", "PNG"):
        file = io.BytesIO()
        noise().save(file, file_format)
        whole = file.getvalue()
        expected = decode_image(whole, Path("x"))
        assert np.array_equal(decode_image(whole + b"more", Path("x")), expected)


@pytest.mark.parametrize(
    ("damage", "got"),
    [
        (lambda png: png[:-12], "truncated PNG file"),  # no IEND
        (lambda png: png[:-13] + bytes([png[-13] ^ 1]) + png[-12:], "broken PNG file"),  # IDAT's checksum
        (lambda png: with_zeros_in_the_middle(png, 1), "broken PNG file"),
    ],
)
def test_a_png_with_damaged_chunks_or_without_its_end_is_refused(
    damage: Callable[[bytes], bytes], got: str
) -> None:
    file = io.BytesIO()
    noise().save(file, "PNG")
    with pytest.raises(InputError, match=rf"cannot be decoded: x\.png \(got {got}"):
        decode_image(damage(file.getvalue()), Path("x.png"))


def test_a_header_that_claims_too_much_is_refused() -> None:
    data = bytearray(as_jpeg(noise()))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(InputError, match="no image that can be read"):
        decode_image(bytes(data), Path("x.jpg"))


def test_an_image_of_more_pixels_than_pillow_takes_is_refused_as_jpeg_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = as_jpeg(noise(size=(99, 67)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    monkeypatch.setattr(images, "MOST_PIXELS", 6000)
    with pytest.raises(InputError, match=r"no image that can be read.*6633 pixels"):
        decode_image(data, Path("x.jpg"))


def bigger(data: bytes, width: int, height: int) -> bytes:
    """The same JPEG with another size in its header."""
    start = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5
    return data[:start] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[start + 4 :]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("simplejpeg_is_there", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_fewer_bytes_than_its_pixels_need_is_refused_before_it_takes_memory(
    mode: str, progressive: bool, simplejpeg_is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not simplejpeg_is_there:
        monkeypatch.setattr(images, "_simplejpeg", lambda: None)
    data = bigger(as_jpeg(noise(mode), progressive=progressive), 16000, 10000)
    before = peak_memory_mb()
    with pytest.raises(
        InputError, match=rf"\(got Premature end.*: 16000x10000 pixels in {len(data)} bytes\)"
    ):
        decode_image(data, Path("x.jpg"))
    assert peak_memory_mb() < before + 50


@pytest.mark.parametrize(
    "options", [{"optimize": True}, {"progressive": True}, {"quality": 1, "optimize": True}]
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_empty_picture_of_very_few_bytes_is_no_bomb(mode: str, options: dict[str, Any]) -> None:
    data = as_jpeg(Image.new(mode, (4000, 3000)), **options)
    assert decode_image(data, Path("x.jpg")).shape == (3000, 4000, 3)


def test_a_png_that_would_be_too_large_is_refused_in_one_line() -> None:
    file = io.BytesIO()
    Image.new("1", (16000, 12000)).save(file, "PNG")
    with pytest.raises(
        InputError, match=r"no image that can be read: x \(got Image size \(192000000 pixels\) ex"
    ):
        decode_image(file.getvalue(), Path("x"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"^The file is no image that can be read: x \(got an empty file\)$"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", r"read: x \(got HEIC\); convert it to JPEG or PNG$"),
        (b"\0\0\0\x20ftypisom\0\0\0\0mp42", r"read: x \(got no known image format\)$"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
            r"\(got no known image format\)$",
        ),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", r"\(got no known image format\)$"),
        (b"\xff\xd8\xff", r"x \(got .+\)$"),
        (b"\x89PNG\r\n\x1a\n", r"x \(got .+\)$"),
        (b"GIF89a", r"x \(got .+\)$"),
        (b"RIFF\xff\xff\xff\x7fWEBPVP8 ", r"x \(got .+\)$"),
    ],
)
def test_what_is_no_picture_has_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode_image(data, Path("x"))


def test_what_pillow_warns_of_is_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0"
    Image.new("1", (10000, 9000)).save(path, exif=exif)
    code = "import sys; from pathlib import Path; from ckssd.detect import images, orientation\n"
    code += "data = Path(sys.argv[1]).read_bytes(); print(orientation.tag_in(data))\n"
    code += "images.decode_image(data, Path('x'))"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
