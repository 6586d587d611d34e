"""The data set is what COCO's tools expect, keeps its promises about sizes, and never changes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import faster_coco_eval
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from ckssd.coco.shapes import CATEGORIES, VALIDATION_IMAGES, VALIDATION_SEED, write_shapes_dataset
from ckssd.coco.shapes.draws import Draws
from ckssd.coco.shapes.scenes import MIN_VISIBLE, _place_all
from ckssd.errors import InputError, UsageError

IMAGES = 40
# Of the files of write_shapes_dataset(…, 6, VALIDATION_SEED), names and bytes. The built-in model was trained
# and measured on this generator's images: a change of one byte makes its published accuracy untrue.
SIX_IMAGES_SHA256 = "cea139b791bfcac29d4b33a35aa4a16ce9622b7ec318102c7615b06e7c90c807"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shäpes 'n' more"
    write_shapes_dataset(folder, IMAGES, VALIDATION_SEED, quiet=True)
    return folder


@pytest.fixture(scope="module")
def content(dataset: Path) -> dict[str, Any]:
    text = (dataset / "annotations" / "instances_val.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_bytes_are_those_the_model_was_trained_for(tmp_path: Path, workers: int) -> None:
    write_shapes_dataset(tmp_path / "six", 6, VALIDATION_SEED, quiet=True, workers=workers)
    assert _digest(tmp_path / "six") == SIX_IMAGES_SHA256


def test_a_larger_data_set_begins_with_the_smaller(dataset: Path, tmp_path: Path) -> None:
    write_shapes_dataset(tmp_path / "two", 2, VALIDATION_SEED, quiet=True)
    for name in ("000000000001.jpg", "000000000002.jpg"):
        assert (tmp_path / "two" / "images" / name).read_bytes() == (dataset / "images" / name).read_bytes()


def test_spawned_processes_draw_the_same_as_forked_ones(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckssd.coco.shapes.dataset.START_METHOD", "spawn")
    write_shapes_dataset(tmp_path / "spawned", images=3, seed=VALIDATION_SEED, quiet=True, workers=2)
    names = [path.name for path in (tmp_path / "spawned" / "images").iterdir()]
    assert len(names) == 3
    for name in names:
        assert (tmp_path / "spawned/images" / name).read_bytes() == (dataset / "images" / name).read_bytes()


def test_another_seed_gives_other_images(dataset: Path, tmp_path: Path) -> None:
    write_shapes_dataset(tmp_path / "one", 1, VALIDATION_SEED + 1, quiet=True)
    first = "images/000000000001.jpg"
    assert (tmp_path / "one" / first).read_bytes() != (dataset / first).read_bytes()


def test_the_validation_set_is_large_enough() -> None:
    assert VALIDATION_IMAGES >= 200


def test_the_fields_are_cocos(content: dict[str, Any]) -> None:
    assert list(content) == ["info", "licenses", "images", "annotations", "categories"]
    assert set(content["images"][0]) == {
        *("license", "file_name", "coco_url", "height", "width", "date_captured", "flickr_url", "id"),
    }
    assert set(content["annotations"][0]) == {
        *("segmentation", "area", "iscrowd", "image_id", "bbox", "category_id", "id"),
    }
    assert content["categories"] == CATEGORIES
    names = [category["name"] for category in content["categories"]]
    assert names == ["circle", "square", "triangle", "star", "ring", "cross"]
    assert [category["id"] for category in content["categories"]] == [1, 2, 3, 4, 5, 6]
    assert content["images"][0]["license"] in [one["id"] for one in content["licenses"]]


def test_the_images_are_as_annotated(dataset: Path, content: dict[str, Any]) -> None:
    assert [entry["id"] for entry in content["images"]] == list(range(1, IMAGES + 1))
    for entry in content["images"]:
        assert entry["file_name"] == f"{entry['id']:012d}.jpg"
        with Image.open(dataset / "images" / entry["file_name"]) as image:
            assert (image.format, image.mode, image.size) == (
                "JPEG",
                "RGB",
                (entry["width"], entry["height"]),
            )
        assert min(entry["width"], entry["height"]) >= 240
        assert max(entry["width"], entry["height"]) <= 640
    assert len({(entry["width"], entry["height"]) for entry in content["images"]}) > 5


def test_boxes_areas_and_outlines_agree(dataset: Path, content: dict[str, Any]) -> None:
    coco = COCO(str(dataset / "annotations" / "instances_val.json"))
    assert len({annotation["id"] for annotation in content["annotations"]}) == len(content["annotations"])
    for annotation in content["annotations"]:
        mask = coco.annToMask(annotation).astype(bool)
        assert mask.sum() == pytest.approx(annotation["area"], rel=0.1)
        x, y, width, height = annotation["bbox"]
        assert mask.sum() == mask[int(y) : int(y + height), int(x) : int(x + width)].sum()
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        extent = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert (
            np.abs(np.array([x, y, x + width, y + height]) - extent).max() <= 4
        )  # thin tips have no polygon
        entry = coco.imgs[annotation["image_id"]]
        assert 0 <= x < x + width <= entry["width"]
        assert 0 <= y < y + height <= entry["height"]


def test_crowds_are_run_lengths_and_few(dataset: Path, content: dict[str, Any]) -> None:
    crowds = [one for one in content["annotations"] if one["iscrowd"]]
    assert 1 <= len(crowds) <= 0.2 * IMAGES
    assert all(set(one["segmentation"]) == {"counts", "size"} for one in crowds)
    assert all(isinstance(one["segmentation"], list) for one in content["annotations"] if not one["iscrowd"])


def test_each_image_has_one_to_seven_objects_of_every_class_overall(content: dict[str, Any]) -> None:
    objects = [one for one in content["annotations"] if not one["iscrowd"]]
    per_image = Counter(one["image_id"] for one in objects)
    assert set(per_image) == set(range(1, IMAGES + 1))
    assert max(per_image.values()) <= 7
    assert {one["category_id"] for one in objects} == {1, 2, 3, 4, 5, 6}


def test_every_object_is_mostly_visible() -> None:
    for number in range(1, 60):
        placed, owners = _place_all(Draws(5, number), 300, 400)
        for index, one in enumerate(placed):
            if not one.is_crowd:
                assert np.count_nonzero(owners == index) >= MIN_VISIBLE * one.full_area


def test_faster_coco_eval_loads_it_too(dataset: Path, content: dict[str, Any]) -> None:
    coco = faster_coco_eval.COCO(str(dataset / "annotations" / "instances_val.json"))
    assert len(coco.getAnnIds()) == len(content["annotations"])


@pytest.mark.parametrize(
    ("images", "seed", "workers"), [(0, 1, None), (-3, 1, None), (1, -1, None), (1, 1, 0)]
)
def test_numbers_out_of_range_are_refused(
    tmp_path: Path, images: int, seed: int, workers: int | None
) -> None:
    with pytest.raises(UsageError, match="out of range"):
        write_shapes_dataset(tmp_path / "new", images, seed, workers=workers)
    assert not (tmp_path / "new").exists()


def test_a_directory_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        write_shapes_dataset(tmp_path, 1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=str(taken)):
        write_shapes_dataset(taken, 1, 1)
