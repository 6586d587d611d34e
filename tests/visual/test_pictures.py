"""The gallery: the pictures with most that is wrong, small enough, drawn without where they are gone."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ckssd.coco.analysis import analyse
from ckssd.coco.errors import KINDS
from ckssd.coco.results import rows_of
from ckssd.coco.worst import IMAGES_OF_A_KIND
from ckssd.visual.gallery import classes_of, drawing
from ckssd.visual.make import Report
from ckssd.visual.page import page
from ckssd.visual.pictures import LONGEST_SIDE, MOST_BYTES, MOST_PICTURES, embed
from tests.coco.test_metrics import written
from tests.measure.conftest import Bench
from tests.visual.conftest import whole_report

CAT, DOG = 1, 2
RIGHT, BESIDE, FAR = [10, 10, 100, 100], [55, 10, 100, 100], [400, 300, 50, 50]


def worst(folder: Path, boxes: dict[int, list[tuple[int, list[int], float]]]) -> list[dict[str, Any]]:
    """Of images that have one cat each, and these detections."""
    images = [{"id": one, "file_name": f"{one}.jpg", "width": 640, "height": 480} for one in boxes]
    objects = [
        {"id": one, "image_id": one, "category_id": CAT, "bbox": RIGHT, "area": 1e4, "iscrowd": 0}
        for one in boxes
    ]
    categories = [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}]
    found = [
        {"image_id": image, "category_id": category, "bbox": box, "score": score}
        for image, several in boxes.items()
        for category, box, score in several
    ]
    truth = {"images": images, "annotations": objects, "categories": categories}
    result: list[dict[str, Any]] = analyse(written(folder, truth), rows_of(found), list(boxes))["worst"]
    return result


def test_every_kind_of_error_is_found_and_said(tmp_path: Path) -> None:
    good = (CAT, RIGHT, 0.95)
    images = worst(
        tmp_path,
        {
            1: [good],
            2: [good, (DOG, RIGHT, 0.96)],
            3: [(CAT, BESIDE, 0.96)],
            4: [good, (DOG, BESIDE, 0.96)],
            5: [good, (CAT, RIGHT, 0.94)],
            6: [good, (CAT, FAR, 0.96)],
            7: [],
            **{number: [good] for number in range(8, 40)},
        },
    )
    kinds = {image["id"]: image["kinds"] for image in images}
    assert kinds == {
        2: ["classification"],
        3: ["localisation"],
        4: ["both"],
        5: ["duplicate"],
        6: ["background"],
        7: ["missed"],
    }
    by_id = {image["id"]: image for image in images}
    assert by_id[2]["detections"][0]["of"] == "cat"
    assert by_id[3]["detections"][0]["iou"] == pytest.approx(0.379, abs=1e-3)
    assert [one["missed"] for one in by_id[7]["objects"]] == [True]
    assert classes_of(by_id[2]) == ["cat", "dog"]


def test_no_more_than_ten_of_a_kind(tmp_path: Path) -> None:
    many = {number: [(CAT, RIGHT, 0.9)] if number % 2 else [] for number in range(1, 80)}
    assert len(worst(tmp_path, many)) == IMAGES_OF_A_KIND
    assert IMAGES_OF_A_KIND * len(KINDS) <= MOST_PICTURES


@pytest.mark.parametrize("noisy", [False, True])
def test_pictures_are_small(tmp_path: Path, noisy: bool) -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (1500, 2000, 3), np.uint8)
    if not noisy:
        pixels[:] = np.linspace(0, 255, 2000, dtype=np.uint8)[None, :, None]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = {"id": 7, "file_name": "a.png", "width": 2000, "height": 1500, "objects": [], "detections": []}
    made = embed([image], tmp_path, "", upright=False)[7]
    assert (made.width, made.height, made.reason) == (2000, 1500, "")
    data = base64.b64decode(made.address.removeprefix("data:image/webp;base64,"))
    assert len(data) <= MOST_BYTES
    assert max(Image.open(io.BytesIO(data)).size) == LONGEST_SIDE


def test_pictures_are_those_of_the_files(whole: Report, bench: Bench) -> None:
    (shown,) = whole.pictures
    images = whole.data["runs"][0]["accuracy"]["worst"]
    assert shown.keys() == {image["id"] for image in images} != set()
    for image in images:
        data = base64.b64decode(shown[image["id"]].address.partition(",")[2])
        small = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float64)
        real = np.asarray(Image.open(bench.images / image["file_name"]).convert("RGB"), np.float64)
        assert small.shape == real.shape
        assert np.abs(small - real).mean() < 25


def test_pictures_that_are_gone_are_drawn_without(results: Path, bench: Bench, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(bench.images, tmp_path / "moved"))
    (moved / "b0.png").unlink()
    (moved / "b1.png").write_bytes(b"no picture")
    Image.new("RGB", (3, 3)).save(moved / "b2.png")
    made = whole_report(results, pictures=moved)
    (shown,) = made.pictures
    names = {image["id"]: image["file_name"] for image in made.data["runs"][0]["accuracy"]["worst"]}
    reasons = {names[one]: picture.reason for one, picture in shown.items() if picture.reason}
    assert reasons == {
        "b0.png": "the picture is not there",
        "b1.png": "the file is no image that can be read",
        "b2.png": "the picture there has 3x3 pixels",
    }
    text = page(made.data, made.pictures)
    assert "Drawn without the picture: the picture is not there." in text
    shutil.rmtree(moved)
    made = whole_report(results, pictures=moved)
    assert {picture.address for picture in made.pictures[0].values()} == {""}
    assert "no folder" in made.data["runs"][0]["missing"]["pictures"]


def test_a_hostile_name_stays_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (3, 3)).save(tmp_path / "secret.png")
    image = {"id": 1, "file_name": "../secret.png", "width": 3, "height": 3, "objects": [], "detections": []}
    made = embed([image], tmp_path / "pictures", "", upright=False)[1]
    assert (made.address, made.reason) == ("", "the picture is not there")


def test_a_drawing_has_each_box_and_a_label_for_what_is_wrong(whole: Report) -> None:
    (image, *_) = whole.data["runs"][0]["accuracy"]["worst"]
    text = str(drawing(image, whole.pictures[0][image["id"]]))
    missed = sum(one["missed"] for one in image["objects"])
    wrong = sum(one["kind"] not in ("right", "uncounted") for one in image["detections"])
    assert text.count('class="rim"') == len(image["objects"]) + len(image["detections"]) + missed
    assert text.count("<text") == missed + wrong
    assert json.dumps(image["file_name"])[1:-1] in text
