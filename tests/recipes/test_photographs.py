"""Photographs in other forms, and annotations that are those of the pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from ckssd.detect.images import read_image
from ckssd.errors import UsageError
from ckssd.recipes import Package, recipe_of
from ckssd.recipes.photographs import alpha, grey, phone, picture, progressive
from ckssd.tflite.labels import read_label_map

PACKAGES = Path(__file__).parents[2] / "package"
ENTRY = PACKAGES / "dataset-photos"
ANNOTATIONS = ENTRY / "files" / "annotations" / "instances_val.json"


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """Smooth, so that JPEG changes little; wider than high, with another colour in each corner."""
    rows, columns = np.mgrid[0:60, 0:90]
    levels = np.stack([rows * 4, columns * 2, 255 - rows * 2 - columns], axis=2).astype(np.uint8)
    path = tmp_path / "photograph.png"
    Image.fromarray(levels).save(path)
    return path


def close(pixels: Any, expected: Any) -> bool:
    return bool(np.abs(pixels.astype(int) - expected.astype(int)).mean() < 2)


def test_a_phones_picture_is_stored_turned_and_says_how_to_show_it(photograph: Path, tmp_path: Path) -> None:
    phone(photograph, target := tmp_path / "phone.jpg")
    upright = read_image(photograph)
    assert close(read_image(target), np.rot90(upright)), "stored pixels"
    with Image.open(target) as image:
        assert image.size == (60, 90)
        assert close(np.asarray(ImageOps.exif_transpose(image)), upright), "as a viewer shows it"


def test_grey_has_one_channel_and_progressive_is_progressive(photograph: Path, tmp_path: Path) -> None:
    grey(photograph, tmp_path / "grey.jpg")
    progressive(photograph, tmp_path / "progressive.jpg")
    with Image.open(tmp_path / "grey.jpg") as image:
        assert image.mode == "L"
    with Image.open(tmp_path / "progressive.jpg") as image:
        assert image.info.get("progressive")
    assert close(read_image(tmp_path / "progressive.jpg"), read_image(photograph))


def test_alpha_leaves_the_colours_whole(photograph: Path, tmp_path: Path) -> None:
    alpha(photograph, target := tmp_path / "alpha.png")
    with Image.open(target) as image:
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema() == (64, 255)
    np.testing.assert_array_equal(read_image(target), read_image(photograph))


def test_a_picture_is_made_of_grey_levels_alone(tmp_path: Path) -> None:
    levels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.savez(tmp_path / "levels.npz", data=levels)
    picture(tmp_path / "levels.npz", tmp_path / "picture.png")
    np.testing.assert_array_equal(read_image(tmp_path / "picture.png")[:, :, 0], levels)
    np.savez(tmp_path / "levels.npz", data=levels.astype(float))
    with pytest.raises(ValueError, match="float64"):
        picture(tmp_path / "levels.npz", tmp_path / "picture.png")


@pytest.mark.parametrize(
    "form", [{}, {"from": "a", "to": "../b", "as": "grey"}, {"from": "a", "to": "b"}, "x"]
)
def test_a_malformed_form_is_named_before_anything_is_fetched(form: object, tmp_path: Path) -> None:
    meta = {"ckssd": {"recipe": "photographs", "derived": [form], "sources": []}}
    package = Package("dataset-x", "0" * 16, "1.0", tmp_path, meta)
    with pytest.raises(UsageError, match=r"dataset-x: ckssd\.derived"):
        recipe_of(package)(package, tmp_path / "staging")


def content() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ANNOTATIONS.read_text())
    return found


def entry_pictures() -> set[str]:
    section = json.loads((ENTRY / ".cm" / "meta.json").read_text())["ckssd"]
    published = [file.get("place") for source in section["sources"] for file in source["files"]]
    places = [*published, *(form["to"] for form in section["derived"])]
    return {Path(place).name for place in places if place.startswith("images/")}


def test_each_picture_is_annotated_and_each_annotation_is_inside_one() -> None:
    found = content()
    sizes = {image["id"]: (image["width"], image["height"]) for image in found["images"]}
    assert {image["file_name"] for image in found["images"]} == entry_pictures()
    assert len(sizes) == len(found["images"]) >= 12
    for annotation in found["annotations"]:
        x, y, width, height = annotation["bbox"]
        assert min(x, y) >= 0
        assert min(width, height) > 0
        assert annotation["area"] == width * height
        wide, high = sizes[annotation["image_id"]]
        assert x + width <= wide
        assert y + height <= high


def test_the_classes_are_those_of_the_label_map() -> None:
    label_map = read_label_map(PACKAGES / "labelmap-coco" / "files" / "labelmap.pbtxt")
    assert {category["id"]: category["name"] for category in content()["categories"]} == label_map


def test_a_form_of_a_photograph_has_its_annotations() -> None:
    found = content()
    ids = {image["file_name"]: image["id"] for image in found["images"]}

    def boxes(name: str) -> list[tuple[int, list[int]]]:
        return [(a["category_id"], a["bbox"]) for a in found["annotations"] if a["image_id"] == ids[name]]

    for name, of in (
        ("astronaut_progressive.jpg", "astronaut.png"),
        ("chelsea_grey.jpg", "chelsea.png"),
        ("grace_hopper_alpha.png", "grace_hopper.jpg"),
    ):
        assert boxes(name) == boxes(of)
    turned = [(name, [y, 600 - x - wide, high, wide]) for name, (x, y, wide, high) in boxes("coffee.png")]
    assert boxes("coffee_phone.jpg") == turned


def test_the_set_is_never_taken_for_coco() -> None:
    meta = json.loads((ENTRY / ".cm" / "meta.json").read_text())
    assert meta["env"]["CK_ENV_DATASET_TYPE"] == "photos"
    assert "coco" not in meta["tags"]
    assert "not COCO" in content()["info"]["description"]
