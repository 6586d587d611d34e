"""Kept images are those that would be made again, whatever happens to the folder they are kept in."""

from __future__ import annotations

import importlib.metadata
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ckssd.detect import images
from ckssd.detect.choices import RESIZE_METHODS, Orientation, ResizeMethod
from ckssd.detect.preprocessed import ImageReader, Preprocessed
from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.graph.resizer import AspectResizer


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept images"


def make_image(folder: Path) -> Path:
    path = folder / "picture.jpg"
    noise = np.random.default_rng(3).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def assert_same(found: Preprocessed, expected: Preprocessed) -> None:
    assert found.size == expected.size
    assert found.pixels.dtype == expected.pixels.dtype
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_without_a_method_an_image_stays_as_it_is_and_is_not_kept(image: Path, kept: Path) -> None:
    found = ImageReader(30, 20, None, kept).read(image)
    assert found.pixels.shape == (50, 70, 3)
    assert found.size == (70, 50)
    np.testing.assert_array_equal(found.pixels, images.read_image(image))
    assert not kept.exists()


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_a_kept_image_is_not_taken_for_the_other_orientation(
    image: Path, kept: Path, method: ResizeMethod
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(image) as opened:
        opened.save(image, exif=exif)
    orders: list[list[Orientation]] = [["stored", "upright"], ["upright", "stored"]]
    for order in orders:
        folder = kept / order[0]
        for orientation in order:
            made = ImageReader(30, 20, method, None, orientation).read(image)
            first, again = (ImageReader(30, 20, method, folder, orientation).read(image) for _ in range(2))
            assert (first.from_cache, again.from_cache) == (False, True)
            assert made.size == ((50, 70) if orientation == "upright" else (70, 50))
            assert_same(first, made)
            assert_same(again, made)
            assert (again.tag, again.turned_by) == (made.tag, made.turned_by)


def test_a_kept_image_without_a_tag_serves_both_orientations(image: Path, kept: Path) -> None:
    ImageReader(30, 20, "pillow", kept, "stored").read(image)
    assert ImageReader(30, 20, "pillow", kept, "upright").read(image).from_cache


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_a_kept_image_is_the_same_to_the_bit(image: Path, kept: Path, method: ResizeMethod) -> None:
    made = ImageReader(30, 20, method).read(image)
    first = ImageReader(30, 20, method, kept).read(image)
    again = ImageReader(30, 20, method, kept).read(image)
    assert (made.from_cache, first.from_cache, again.from_cache) == (False, False, True)
    assert again.size == (70, 50)
    assert_same(first, made)
    assert_same(again, made)


def test_another_size_or_content_is_another_image(image: Path, kept: Path) -> None:
    ImageReader(30, 20, "pillow", kept).read(image)
    assert not ImageReader(20, 30, "pillow", kept).read(image).from_cache
    Image.new("RGB", (70, 50), "red").save(image)
    changed = ImageReader(30, 20, "pillow", kept).read(image)
    assert not changed.from_cache
    assert changed.pixels[0, 0, 0] > 250


def test_methods_keep_images_of_their_own(image: Path, kept: Path) -> None:
    for method in RESIZE_METHODS:
        assert not ImageReader(30, 20, method, kept).read(image).from_cache
    for method in RESIZE_METHODS:  # tf1 and opencv, which are one library's, have not replaced each other's
        again = ImageReader(30, 20, method, kept).read(image)
        assert again.from_cache
        assert_same(again, ImageReader(30, 20, method).read(image))


@pytest.mark.parametrize("library", ["pillow", "simplejpeg", "opencv-python-headless"])
def test_another_version_of_what_makes_the_pixels_keeps_its_own(
    image: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    ImageReader(30, 20, "opencv", kept).read(image)
    installed = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.1" if name == library else installed(name)
    )
    assert not ImageReader(30, 20, "opencv", kept).read(image).from_cache
    assert ImageReader(30, 20, "opencv", kept).read(image).from_cache


def test_another_decoder_keeps_its_own(image: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ImageReader(30, 20, "pillow", kept).read(image)
    monkeypatch.setattr(images, "_simplejpeg", lambda: None)
    assert not ImageReader(30, 20, "pillow", kept).read(image).from_cache


def test_a_library_of_unknown_version_keeps_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckssd.detect.preprocessed.decoders", lambda: ("no-such-decoder",))
    with pytest.raises(EnvironmentSetupError, match=r"distribution no-such-decoder.*CK_PREPROCESSED_CACHE"):
        ImageReader(30, 20, "pillow", kept)


def test_an_image_is_found_under_another_name(image: Path, kept: Path) -> None:
    ImageReader(30, 20, "pillow", kept).read(image)
    assert ImageReader(30, 20, "pillow", kept).read(image.rename(image.with_name("b.jpg"))).from_cache


@dataclass(frozen=True)
class Entry:
    """A kept image of 7x5 pixels: its file, what it held, and the reader and image that it was made by."""

    reader: ImageReader
    image: Path
    file: Path
    whole: bytes
    expected: Preprocessed

    def check(self, damaged: bytes) -> None:
        """A damaged entry changes nothing, and is replaced."""
        self.file.write_bytes(damaged)
        read = self.reader.read(self.image)
        assert not read.from_cache
        assert_same(read, self.expected)
        assert self.file.read_bytes() == self.whole
        assert self.reader.read(self.image).from_cache
        assert not self.reader.not_kept


@pytest.fixture(scope="module", params=RESIZE_METHODS)
def entry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Entry:
    folder = tmp_path_factory.mktemp("an entry")
    image, reader = make_image(folder), ImageReader(7, 5, request.param, folder / "kept")
    expected = reader.read(image)
    (file,) = (path for path in (folder / "kept").rglob("*") if path.is_file())
    return Entry(reader, image, file, file.read_bytes(), expected)


@given(place=st.integers(0), change=st.integers(1, 255))
def test_an_entry_with_any_byte_changed_is_made_again(entry: Entry, place: int, change: int) -> None:
    damaged = bytearray(entry.whole)
    damaged[place % len(damaged)] ^= change
    entry.check(bytes(damaged))


@given(length=st.integers(0), more=st.binary(max_size=3))
def test_an_entry_cut_anywhere_is_made_again(entry: Entry, length: int, more: bytes) -> None:
    damaged = entry.whole[: length % len(entry.whole)] + more
    if damaged != entry.whole:
        entry.check(damaged)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole + b"\0",
        lambda whole: whole[:-60] + bytes(60),
        lambda whole: whole[:12] + struct.pack("<II", 2**31, 2**31) + whole[20:],
        lambda whole: bytes(len(whole)),
        lambda whole: b"",
        lambda whole: b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'shape': (5",
    ],
)
def test_an_entry_of_another_kind_is_made_again(entry: Entry, damage: Callable[[bytes], bytes]) -> None:
    entry.check(damage(entry.whole))


def test_an_image_that_cannot_be_read_is_not_kept(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no image")
    with pytest.raises(InputError):
        ImageReader(30, 20, "pillow", kept).read(tmp_path / "x.jpg")
    assert not kept.exists()


def test_many_at_once_leave_one_whole_file(image: Path, kept: Path) -> None:
    readers = [ImageReader(30, 20, "pillow", kept) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda reader: reader.read(image).pixels, readers * 4))
    assert all(np.array_equal(pixels, found[0]) for pixels in found)
    assert [path.suffix for path in kept.rglob("*") if path.is_file()] == [".pixels"]


def test_a_folder_that_cannot_be_written_only_costs_time_and_the_reader_says_why(
    image: Path, kept: Path
) -> None:
    reader = ImageReader(30, 20, "pillow", kept)
    kept.write_text("a file where the folder should be")
    for number in (1, 2):
        assert reader.read(image).size == (70, 50)
        assert reader.not_kept == ["Not a directory"] * number
    assert kept.is_file()


def test_an_image_half_written_leaves_nothing(
    image: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    reader = ImageReader(30, 20, "pillow", kept)
    reader.read(image)
    assert reader.not_kept == ["No space left on device"]
    assert not [path for path in kept.rglob("*") if path.is_file()]


def test_an_image_that_keeps_its_aspect_ratio_is_kept_as_such(image: Path, kept: Path) -> None:
    aspect = AspectResizer(10, 30, padded=True, pad=(9, 9, 9))
    stretched = ImageReader(30, 30, "pillow", kept).read(image)
    made, again = (ImageReader(30, 30, "pillow", kept, aspect=aspect).read(image) for _ in range(2))
    assert (made.from_cache, again.from_cache) == (False, True)
    assert_same(again, made)
    assert (made.pixels[-1] == 9).all()
    assert not np.array_equal(made.pixels, stretched.pixels)
