"""Pictures as phones store them: turned, with a tag that says how. Issue 11, row 8."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ckssd.detect.orientation import TURNS, turn_back
from ckssd.detect.pictures import Request, detect_pictures
from ckssd.errors import InputError
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.measure.summary import summary
from ckssd.model.entry import from_environment as model_from_environment
from tests.measure.conftest import IMAGES, Bench, make_bench

MIRRORED, QUARTER = 2, 6


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)


@pytest.fixture
def settings(bench: Bench) -> BenchmarkSettings:
    return from_environment(bench.environment)


def as_a_phone_stores_it(path: Path, tag: int) -> None:
    """Store an upright picture turned, with the tag that turns it back."""
    exif = Image.Exif()
    exif[0x0112] = tag
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    Image.fromarray(turn_back(pixels, tag)).save(path, exif=exif)


def detect(bench: Bench, **settings: Any) -> dict[str, Any]:
    model = model_from_environment(bench.environment)
    pictures = tuple(sorted(bench.images.glob("b[01].png")))
    return detect_pictures(Request(model, pictures, min_score=0.0, quiet=True, **settings))


def test_a_picture_that_cannot_be_read_does_not_keep_the_others_from_being_looked_at(bench: Bench) -> None:
    (_, second), whole = detect(bench)["images"], detect(bench)
    assert whole["unreadable"] == []
    (bench.images / "b0.png").write_bytes(b"no image")
    found = detect(bench)
    assert found["images"] == [second]
    (error,) = found["unreadable"]
    assert error["where"] == str(bench.images / "b0.png")
    (bench.images / "b1.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"b0\.png"):
        detect(bench)


@pytest.mark.parametrize("tag", TURNS)
def test_a_picture_is_detected_and_drawn_upright(bench: Bench, tmp_path: Path, tag: int) -> None:
    upright = detect(bench, draw=tmp_path)
    drawn = (tmp_path / "b1.png").read_bytes()
    as_a_phone_stores_it(bench.images / "b1.png", tag)
    turned = detect(bench, draw=tmp_path)
    assert turned["images"] == upright["images"]
    assert (tmp_path / "b1.png").read_bytes() == drawn
    note = "1 of 2 pictures were turned upright as their EXIF says, and boxes are in the upright picture"
    assert turned["notes"] == [*upright["notes"], f"{note} (--orientation stored leaves them)"]


def test_a_picture_stays_as_it_is_stored_when_asked_for(bench: Bench) -> None:
    as_a_phone_stores_it(bench.images / "b1.png", QUARTER)
    stored = detect(bench, orientation="stored")
    with Image.open(bench.images / "b1.png") as image:
        assert (stored["images"][1]["width"], stored["images"][1]["height"]) == image.size
        image.save(bench.images / "b1.png", exif=b"")
    assert stored["images"] == detect(bench)["images"]
    assert "1 of 2 pictures were not turned upright" in stored["notes"][-1]


def rewrite(bench: Bench, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(bench.annotations.read_text())
    for image in content["images"]:
        change(image)
    bench.annotations.write_text(json.dumps(content))


@pytest.mark.parametrize("sizes", ["stated", "unknown"])
def test_a_data_set_that_was_annotated_upright_gives_the_same_numbers(
    bench: Bench, settings: BenchmarkSettings, sizes: str
) -> None:
    expected = run_benchmark(settings)
    for tag, path in enumerate(sorted(bench.images.iterdir()), start=1):
        as_a_phone_stores_it(path, tag) if tag in TURNS else None
    if sizes == "unknown":
        rewrite(bench, lambda image: image.update(width=-1, height=-1))
    result = run_benchmark(replace(settings, orientation="upright"))
    assert list(result.detections) == list(expected.detections)
    assert result.metrics["metrics"] == expected.metrics["metrics"]
    note = "7 of 8 images were turned upright as their EXIF says (CK_IMAGE_ORIENTATION=upright)"
    assert note in result.notes
    assert result.settings.image_orientation == "upright"
    assert "0 skipped, turned upright where their EXIF says so\n" in summary(result)


def test_a_data_set_that_was_annotated_as_stored_is_used_so_with_one_note(
    bench: Bench, settings: BenchmarkSettings
) -> None:
    expected = run_benchmark(settings)
    for name, tag in {"b0": MIRRORED, "b1": QUARTER}.items():
        exif = Image.Exif()
        exif[0x0112] = tag
        with Image.open(bench.images / f"{name}.png") as image:
            image.save(bench.images / f"{name}.png", exif=exif)
    result = run_benchmark(settings)
    assert list(result.detections) == list(expected.detections)
    assert result.notes == (
        *expected.notes,
        "2 of 8 images were not turned upright as their EXIF says (1 would swap width and height): COCO's"
        " boxes are in stored pixels; for others, CK_IMAGE_ORIENTATION=upright",
    )
    assert result.settings.images == IMAGES
    assert result.settings.image_orientation == "stored"


@pytest.mark.parametrize(
    ("orientation", "annotated", "advice"),
    [
        (
            "stored",
            "upright",
            "its EXIF orientation swaps width and height; CK_IMAGE_ORIENTATION=upright applies it",
        ),
        (
            "upright",
            "stored",
            "it was turned as its EXIF orientation says; CK_IMAGE_ORIENTATION=stored does not",
        ),
    ],
)
def test_a_size_that_fits_the_other_orientation_is_an_error_that_says_so(
    bench: Bench, settings: BenchmarkSettings, orientation: Any, annotated: str, advice: str
) -> None:
    as_a_phone_stores_it(bench.images / "b1.png", QUARTER)
    if annotated == "stored":
        with Image.open(bench.images / "b1.png") as image:
            width, height = image.size
        rewrite(bench, lambda image: image["id"] == 99 and image.update(width=width, height=height))
    with pytest.raises(
        InputError, match=r"do not fit the images: .*b1\.png \(expected .* got .*\)"
    ) as caught:
        run_benchmark(replace(settings, orientation=orientation))
    assert caught.value.advice == advice
