"""Kept images are those that would be made again, whatever happens to the folder they are kept in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ckssd.detect.preprocessed import ImageReader
from ckssd.detect.resize import RESIZE_METHODS, ResizeMethod
from ckssd.errors import InputError


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    noise = np.random.default_rng(3).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept images"


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_a_kept_image_is_the_same_to_the_bit(image: Path, kept: Path, method: ResizeMethod) -> None:
    made = ImageReader(30, 20, method).read(image)
    first = ImageReader(30, 20, method, kept).read(image)
    again = ImageReader(30, 20, method, kept).read(image)
    assert (made.from_cache, first.from_cache, again.from_cache) == (False, False, True)
    assert made.size == again.size == (70, 50)
    assert made.pixels.dtype == again.pixels.dtype
    assert np.array_equal(made.pixels, first.pixels)
    assert np.array_equal(made.pixels, again.pixels)


def test_another_size_method_or_content_is_another_image(image: Path, kept: Path) -> None:
    ImageReader(30, 20, "pillow", kept).read(image)
    assert not ImageReader(20, 30, "pillow", kept).read(image).from_cache
    assert not ImageReader(30, 20, "opencv", kept).read(image).from_cache
    Image.new("RGB", (70, 50), "red").save(image)
    changed = ImageReader(30, 20, "pillow", kept).read(image)
    assert not changed.from_cache
    assert changed.pixels[0, 0, 0] > 250


def test_an_image_is_found_under_another_name(image: Path, kept: Path) -> None:
    ImageReader(30, 20, "pillow", kept).read(image)
    assert ImageReader(30, 20, "pillow", kept).read(image.rename(image.with_name("b.jpg"))).from_cache


@pytest.mark.parametrize("size", [0, 1, 100, 130, 400])
def test_a_kept_file_that_is_cut_short_is_made_again(image: Path, kept: Path, size: int) -> None:
    expected = ImageReader(30, 20, "pillow", kept).read(image)
    (file,) = kept.rglob("*.npy")
    whole = file.read_bytes()
    file.write_bytes(whole[:size])
    read = ImageReader(30, 20, "pillow", kept).read(image)
    assert not read.from_cache
    assert np.array_equal(read.pixels, expected.pixels)
    assert file.read_bytes() == whole


def test_an_image_that_cannot_be_read_is_not_kept(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no image")
    with pytest.raises(InputError):
        ImageReader(30, 20, "pillow", kept).read(tmp_path / "x.jpg")
    assert not list(kept.rglob("*.npy"))


def test_many_at_once_leave_one_whole_file(image: Path, kept: Path) -> None:
    readers = [ImageReader(30, 20, "pillow", kept) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda reader: reader.read(image).pixels, readers * 4))
    assert all(np.array_equal(pixels, found[0]) for pixels in found)
    assert [path.suffix for path in kept.rglob("*") if path.is_file()] == [".npy"]


def test_a_folder_that_cannot_be_written_only_costs_time(image: Path, kept: Path) -> None:
    reader = ImageReader(30, 20, "pillow", kept)
    kept.write_text("a file where the folder should be")
    assert reader.read(image).size == (70, 50)
    assert kept.is_file()
