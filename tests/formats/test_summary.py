"""What ``dataset show`` counts, and the odd things it finds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ckssd.ck.datasets import Named, show
from ckssd.formats import summary as odd
from tests.formats.made import IMAGES, Content
from tests.formats.test_reading import Copied


@pytest.mark.parametrize("name", ["coco", "voc", "yolo", "cvat", "labelme", "openimages"])
def test_every_format_shows_the_same_counts(name: str, made: tuple[Path, Content]) -> None:
    found = show(Named(source=str(made[0] / name), format=name))
    data = found.as_dict()
    boxes = made[1]["annotations"]
    assert (data["images"], data["boxes"], data["images_without_boxes"]) == (IMAGES, len(boxes), 0)
    per_class = {one["name"]: 0 for one in made[1]["categories"]}
    for one in boxes:
        per_class[next(c["name"] for c in made[1]["categories"] if c["id"] == one["category_id"])] += 1
    assert {key: value["boxes"] for key, value in data["classes"].items()} == per_class
    assert sum(data["box_sizes"].values()) == len(boxes)
    assert data["odd"] == {}
    text = found.describe()
    assert f"Images: {IMAGES}" in text
    assert "Odd: nothing" in text
    json.dumps(data)


def strange(folder: Path) -> None:
    """One of each odd thing."""
    file = folder / "annotations" / "instances_val.json"
    content: dict[str, Any] = json.loads(file.read_text())
    images, boxes = content["images"], content["annotations"]
    content["categories"] += [{"id": 8, "name": "Ci rcle"}]
    images += [{**images[9], "id": 900}, {**images[9], "id": 901, "file_name": "gone.jpg"}]
    images[4]["width"] += 1

    def box(**values: object) -> None:
        boxes.append({**boxes[0], "id": len(boxes) + 1, "image_id": images[0]["id"], "area": 1, **values})

    across, down = images[0]["width"], images[0]["height"]
    box(bbox=[across - 5, 0, 7, 3])
    box(bbox=[across - 5, 0, 6, 3])  # by a pixel: rounding
    box(bbox=[0, down, 3, 3])
    box(bbox=[1, 1, 0, 3])
    box(bbox=[1, 1, 0, 3], iscrowd=1)
    file.write_text(json.dumps(content))
    (folder / "images" / images[1]["file_name"]).write_bytes(b"not a picture")
    cut = folder / "images" / images[2]["file_name"]
    cut.write_bytes(cut.read_bytes()[:-2000])


def test_each_odd_thing_is_found_and_named(copy_of: Copied) -> None:
    folder = copy_of("coco")
    strange(folder)
    found = show(Named(source=str(folder), format="coco"))
    assert {kind: len(where) for kind, where in found.odd.items()} == {
        odd.MISSING: 1,
        odd.UNREADABLE: 2,
        odd.OTHER_SIZE: 1,
        odd.BEYOND: 1,
        odd.OUTSIDE: 1,
        odd.NO_AREA: 2,
        odd.TWICE: 1,
        odd.SAME_FILE: 1,
        odd.ALIKE: 1,
        odd.UNUSED: 1,
    }
    assert found.odd[odd.MISSING] == ["gone.jpg"]
    assert found.as_dict()["flags"] == {"iscrowd": 1}
    assert "boxes of no area: 2 (" in found.describe()
    quick = show(Named(source=str(folder), format="coco", headers_only=True))
    assert len(quick.odd[odd.UNREADABLE]) == 1  # a picture that is cut short has a whole header


def test_pictures_that_are_missing_or_broken_do_not_hide_the_rest(copy_of: Copied) -> None:
    for name, pictures in (("yolo", "images/val"), ("openimages", "validation")):
        folder = copy_of(name)
        first, second = sorted((folder / pictures).iterdir())[:2]
        first.unlink()
        second.write_bytes(b"")
        found = show(Named(source=str(folder), format=name))
        assert {kind: len(where) for kind, where in found.odd.items()} == {
            odd.MISSING: 1,
            odd.UNREADABLE: 1,
        }, name
        assert found.as_dict()["images"] == IMAGES


def test_nothing_is_changed_by_looking(copy_of: Copied, tmp_path: Path) -> None:
    folder = copy_of("voc")
    before = Path(shutil.copytree(folder, tmp_path / "before"))
    show(Named(source=str(folder), format="voc"))
    after = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == {
        path.relative_to(before): path.read_bytes() for path in before.rglob("*") if path.is_file()
    }
