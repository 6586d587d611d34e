"""JPEGs that are decoded to few pixels more than the network needs: their sizes, and what stays as it was."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ckssd.detect import images
from ckssd.detect.images import decode_image, decode_scaled
from ckssd.detect.orientation import swaps_sides
from ckssd.detect.preprocessed import ImageReader
from ckssd.errors import EnvironmentSetupError, InputError, UsageError
from ckssd.graph.resizer import AspectResizer
from ckssd.measure.opened import open_run
from ckssd.measure.settings import from_environment
from tests.measure.conftest import make_bench

SIDES = st.integers(1, 150)


def jpeg(width: int, height: int, kind: str = "JPEG") -> bytes:
    """Broad waves, which survive any sampling."""
    down, across = np.mgrid[0:height, 0:width]
    waves = 128 + 100 * np.sin(across / 20)[..., np.newaxis] * np.cos(down / 30)[..., np.newaxis]
    file = io.BytesIO()
    Image.fromarray(np.repeat(waves, 3, 2).astype(np.uint8)).save(file, kind, quality=95)
    return file.getvalue()


@given(SIDES, SIDES, SIDES, SIDES, st.integers(1, 8))
def test_pixels_are_no_fewer_than_needed_and_the_size_is_the_whole_picture_s(
    width: int, height: int, across: int, down: int, turned_by: int
) -> None:
    data = jpeg(width, height)
    pixels, size = decode_scaled(data, Path("x.jpg"), lambda *_: (across, down), turned_by)
    assert size == ((height, width) if swaps_sides(turned_by) else (width, height))
    assert min(size[0], across) <= pixels.shape[1] <= size[0]
    assert min(size[1], down) <= pixels.shape[0] <= size[1]
    # The next eighth below would be too few.
    if 8 * across <= size[0] and 8 * down <= size[1]:
        assert pixels.shape[1] == -(-size[0] // 8)


def test_a_scaled_picture_looks_like_the_whole_one_resized() -> None:
    data = jpeg(640, 480)
    pixels, _ = decode_scaled(data, Path("x.jpg"), lambda *_: (150, 150))
    assert pixels.shape == (180, 240, 3)  # three eighths
    whole = Image.fromarray(decode_image(data, Path("x.jpg"))).resize((240, 180), Image.Resampling.BOX)
    assert np.abs(pixels.astype(float) - np.asarray(whole)).mean() < 2


def test_other_formats_and_what_pillow_decides_are_decoded_whole() -> None:
    png = jpeg(64, 48, "PNG")
    cmyk = io.BytesIO()
    Image.new("CMYK", (64, 48)).save(cmyk, "JPEG")
    for data in (png, cmyk.getvalue()):
        pixels, size = decode_scaled(data, Path("x"), lambda *_: (8, 8))
        assert (pixels.shape, size) == ((48, 64, 3), (64, 48))
        np.testing.assert_array_equal(pixels, decode_image(data, Path("x")))


def test_damage_is_found_as_in_the_whole_picture() -> None:
    data = jpeg(320, 240)
    with pytest.raises(InputError, match="Premature end"):
        decode_scaled(data[: len(data) // 2], Path("x.jpg"), lambda *_: (40, 40))


def test_a_reader_keeps_scaled_images_apart_and_keeps_the_aspect_ratio(tmp_path: Path) -> None:
    image, kept = tmp_path / "x.jpg", tmp_path / "kept"
    image.write_bytes(jpeg(401, 203))
    aspect = AspectResizer(30, 40, padded=True)
    full, scaled, again = (
        ImageReader(40, 40, "pillow", kept, aspect=aspect, decode=decode).read(image)
        for decode in ("full", "scaled", "scaled")
    )
    assert full.size == scaled.size == (401, 203)
    assert (full.from_cache, scaled.from_cache, again.from_cache) == (False, False, True)
    difference = np.abs(full.pixels.astype(float) - scaled.pixels)
    assert difference.max() > 0
    assert difference.mean() < 8
    # Where the picture ends and the padding begins is decided by the whole picture's size.
    ends = [np.flatnonzero(each.pixels.any(axis=(1, 2))).max() for each in (full, scaled)]
    assert ends[0] == ends[1]


def test_a_run_refuses_what_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**make_bench(tmp_path).environment, "CK_DECODE": "scaled"}
    assert from_environment(environment).decode == "scaled"
    with pytest.raises(UsageError, match=r"CK_DECODE.*full or scaled"):
        from_environment({**environment, "CK_DECODE": "half"})
    monkeypatch.setattr(images, "_simplejpeg", lambda: None)
    with pytest.raises(EnvironmentSetupError, match=r"Pillow decodes JPEGs whole.*CK_DECODE"):
        open_run(from_environment(environment))
