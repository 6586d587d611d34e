"""Annotations as tools write them: one note for each assumption, and the numbers of the repaired file."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ckssd.coco.annotations import ImageEntry, read_annotations, with_size
from ckssd.coco.metrics import TOOLS, evaluate
from ckssd.coco.truth import read_truth
from ckssd.errors import InputError
from tests.coco.test_metrics import IMAGES, data_set

Content = dict[str, Any]
IDS = list(range(1, IMAGES + 1))


def whole() -> tuple[Content, list[dict[str, Any]]]:
    """What the changed files stand for: complete, areas those of the boxes, no crowds, ids from 1 on."""
    truth, detections = data_set(11)
    for entry in truth["annotations"]:
        entry["area"], entry["iscrowd"] = entry["bbox"][2] * entry["bbox"][3], 0
    return truth, detections


def number(content: Content) -> int:
    return len(content["annotations"])


def without(*keys: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for entry in content["annotations"]:
            for key in keys:
                entry.pop(key)

    return change


def ids_as(kind: Callable[[int], Any]) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for entry in (*content["images"], *content["categories"], *content["annotations"]):
            for key in ("id", "image_id", "category_id"):
                if key in entry:
                    entry[key] = kind(entry[key])

    return change


def sizes(value: int | None) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for image in content["images"]:
            image.update(width=value, height=value)

    return change


def drop_size(content: Content) -> None:
    for image in content["images"]:
        del image["width"]


def boxes_as_text(content: Content) -> None:
    for entry in content["annotations"]:
        entry["bbox"] = [repr(value) for value in entry["bbox"]]


def twin_of_a_category(content: Content) -> None:
    content["categories"].insert(0, {"id": 0, "name": "class 1", "supercategory": "none"})


def files_by_address(content: Content) -> None:
    for image in content["images"]:
        image["coco_url"] = f"http://host/val/{image.pop('file_name')}?size=1"


ANNOTATIONS = number(whole()[0])
AS_WRITTEN = {
    "no area": (without("area"), f"{ANNOTATIONS} annotations without area: width x height of the box"),
    "no iscrowd": (without("iscrowd"), f"{ANNOTATIONS} annotations without iscrowd: 0"),
    "no annotation ids": (without("id"), f"{ANNOTATIONS} annotations without id: numbered from 1"),
    "ids as text": (ids_as(str), f"whole numbers (of 25 images, 5 categories, {ANNOTATIONS} annotations)"),
    "ids as floats": (
        ids_as(float),
        f"whole numbers (of 25 images, 5 categories, {ANNOTATIONS} annotations)",
    ),
    "ids with spaces": (ids_as(lambda value: f" {value}.0"), "ids written as text or with a decimal point"),
    "sizes of -1": (sizes(-1), "25 images without width or height (missing, 0 or -1)"),
    "sizes of 0": (sizes(0), "25 images without width or height"),
    "sizes of null": (sizes(None), "25 images without width or height"),
    "no width": (drop_size, "25 images without width or height"),
    "boxes as text": (boxes_as_text, f"numbers written as text were read as numbers (of {ANNOTATIONS} ann"),
    "a twin of a category": (twin_of_a_category, "1 category left out: not used, and named like"),
    "addresses": (files_by_address, "25 images without file_name: coco_url was taken"),
}


def write(folder: Path, content: Content, *, mark: bool = False) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps(content), encoding="utf-8-sig" if mark else "utf-8")
    return path


@pytest.mark.parametrize(("change", "note"), AS_WRITTEN.values(), ids=AS_WRITTEN)
@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_as_tools_write_it_gives_one_note_and_the_repaired_files_numbers(
    tmp_path: Path, change: Callable[[Content], None], note: str, tool: str
) -> None:
    content, detections = whole()
    repaired = evaluate(write(tmp_path, content), detections, IDS, tool)
    assert repaired["notes"] == []
    change(content)
    found = evaluate(write(tmp_path, content), detections, IDS, tool)
    (said,) = found.pop("notes")
    assert note in said
    assert found == {key: value for key, value in repaired.items() if key != "notes"}
    assert 0 < found["mAP"] < 1


@pytest.mark.parametrize("tool", TOOLS)
def test_a_byte_order_mark_is_left_out_with_a_note(tmp_path: Path, tool: str) -> None:
    content, detections = whole()
    repaired = evaluate(write(tmp_path, content), detections, IDS, tool)
    marked = evaluate(write(tmp_path, content, mark=True), detections, IDS, tool)
    assert marked.pop("notes") == [
        "the file begins with a byte order mark (UTF-8 with BOM), which was left out"
    ]
    assert marked == {key: value for key, value in repaired.items() if key != "notes"}


def test_categories_from_0_need_no_note_and_have_the_same_numbers(tmp_path: Path) -> None:
    content, detections = whole()
    before = evaluate(write(tmp_path, content), detections, IDS)
    for entry in content["categories"]:
        entry["id"] -= 1
    for entry in (*content["annotations"], *detections):
        entry["category_id"] -= 1
    for tool in TOOLS:
        found = evaluate(write(tmp_path, content), detections, IDS, tool)
        assert {**found, "tool": "", "tool_version": ""} == {**before, "tool": "", "tool_version": ""}


def test_outlines_are_not_needed_and_not_said(tmp_path: Path) -> None:
    content, _ = whole()
    without("segmentation")(content)
    assert read_truth(write(tmp_path, content)).notes == ()


def test_several_assumptions_are_one_note_each(tmp_path: Path) -> None:
    content, _ = whole()
    without("area", "iscrowd", "id")(content)
    ids_as(str)(content)
    sizes(-1)(content)
    notes = read_truth(write(tmp_path, content)).notes
    assert len(notes) == len(set(notes)) == 5


def test_annotations_that_have_ids_keep_them(tmp_path: Path) -> None:
    content, _ = whole()
    del content["annotations"][0]["id"]
    assert read_truth(write(tmp_path, content)).notes == (
        f"1 annotation without id: numbered from {ANNOTATIONS + 1}",
    )


def test_a_size_that_is_not_stated_is_the_pictures_own(tmp_path: Path) -> None:
    content, _ = whole()
    content["images"][0].update(width=-1, height=480)
    annotations = read_annotations(write(tmp_path, content))
    image = annotations.images[0]
    assert (image.width, image.height) == (0, 480)
    assert with_size(annotations, image, 77, 480) == ImageEntry(image.id, image.file_name, 77, 480)
    with pytest.raises(InputError, match="expected 77x480 pixels, got 77x479"):
        with_size(annotations, image, 77, 479)


def two_ids_as_one(content: Content) -> None:
    content["images"][0]["id"] = str(content["images"][1]["id"])


CONTRADICTIONS: dict[str, tuple[Callable[[Content], Any], str]] = {
    "one annotation id twice": (lambda c: c["annotations"].append(c["annotations"][0]), "another id"),
    "one image id as number and text": (two_ids_as_one, "another id than all before, got 2 again"),
    "an orphan": (lambda c: c["annotations"][0].update(image_id=12345), "expected the id of an image"),
    "an unknown category": (lambda c: c["annotations"][0].update(category_id=5), "the id of a category"),
    "a negative width": (lambda c: c["annotations"][0]["bbox"].__setitem__(2, -5), "not negative"),
    "a box of null": (lambda c: c["annotations"][0].update(bbox=None), "bbox (expected"),
    "no box": (
        without("bbox"),
        "bbox (expected [x, y, width, height], width and height not negative, got nothing",
    ),
    "a box as text": (lambda c: c["annotations"][0].update(bbox="1,2,3,4"), "bbox (expected"),
    "NaN as iscrowd": (lambda c: c["annotations"][0].update(iscrowd=float("nan")), "iscrowd"),
    "NaN in a box": (lambda c: c["annotations"][0].update(bbox=[float("nan")] * 4), "bbox"),
    "text NaN in a box": (lambda c: c["annotations"][0].update(bbox=["nan", 1, 2, 3]), "bbox"),
    "no images": (lambda c: c.update(images=[]), "images (expected at least one image"),
    "no categories": (
        lambda c: c.pop("categories"),
        "categories (expected a list, got nothing; the keys are",
    ),
    "a category without a name": (lambda c: c["categories"][0].pop("name"), "categories[0].name"),
    "no file name at all": (lambda c: c["images"][0].pop("file_name"), "images[0].file_name"),
    "an id that is a name": (lambda c: c["images"][0].update(id="2007_000033"), "images[0].id"),
}


@pytest.mark.parametrize(("change", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, change: Callable[[Content], Any], said: str
) -> None:
    content = copy.deepcopy(whole()[0])
    change(content)
    with pytest.raises(InputError) as caught:
        read_truth(write(tmp_path, content))
    assert said in str(caught.value)
    assert "instances.json" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]',
            "detections (COCO results)",
        ),
        ("[]", "expected an object, got []"),
        ('{"images": [], "images": []}', "the key 'images' is twice in one object"),
        ("<annotation/>", "COCO's instances, a JSON object"),
        ('{"_via_img_metadata": {}}', "the keys are '_via_img_metadata'"),
        ('{"images": [{"id": 1e400}], "categories": [], "annotations": []}', "images[0].id"),
        (f'{{"images": [{{"id": 1{"0" * 5000}}}]}}', "no JSON"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_is_wanted(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "instances.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_truth(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_looks_wrong_is_said(tmp_path: Path) -> None:
    content, _ = whole()
    content["images"][1]["file_name"] = content["images"][0]["file_name"]
    content["annotations"][0]["bbox"][0] -= 500
    assert read_truth(write(tmp_path, content)).notes == (
        "1 file listed as several images: each image counts with its own annotations",
        f"1 of {ANNOTATIONS} boxes reach beyond their image by more than a pixel:"
        " COCO's are [x, y, width, height] in pixels",
    )
    for entry in content["annotations"]:
        entry["bbox"] = [0.25, 0.5, 0.5, 0.25]
    with pytest.raises(InputError, match="as fractions would be"):
        read_truth(write(tmp_path, content))


def test_notes_are_kept_with_the_ground_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckssd.coco.truth.WORTH_KEEPING", 0)
    content, _ = whole()
    without("area")(content)
    path = write(tmp_path, content)
    first = read_truth(path, tmp_path / "cache")
    monkeypatch.setattr("ckssd.coco.truth.parse_instances", lambda *_: pytest.fail("parsed again"))
    assert read_truth(path, tmp_path / "cache").notes == first.notes != ()
