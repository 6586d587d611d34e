"""An instances file is read, or refused with the file's name and the key that is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.coco.annotations import read_annotations, with_size
from ckssd.errors import InputError

GOOD: dict[str, Any] = {
    "info": {"year": 2026},
    "images": [
        {"id": 9, "file_name": "000009.jpg", "width": 640, "height": 480},
        {"id": 2, "file_name": "sub/000002.jpg", "width": 30, "height": 20},
    ],
    "categories": [{"id": 7, "name": "b", "supercategory": "s"}, {"id": 1, "name": "a"}],
    "annotations": [
        {"id": 5, "image_id": 9, "category_id": 7, "bbox": [1.5, 2, 30, 0], "area": 12.5, "iscrowd": 0},
        {"id": 6, "image_id": 9, "category_id": 7, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 1},
    ],
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "instances.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    content = copy.deepcopy(GOOD)
    parent: Any = content
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    return content


def test_images_are_in_order_of_id(tmp_path: Path) -> None:
    annotations = read_annotations(written(tmp_path, GOOD))
    assert [(image.id, image.file_name) for image in annotations.images] == [
        (2, "sub/000002.jpg"),
        (9, "000009.jpg"),
    ]
    assert annotations.categories == {1: "a", 7: "b"}
    assert annotations.counts == {1: 0, 7: 2}


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        (("images",), None, "images"),
        (("images",), [], "images"),
        (("annotations",), {}, "annotations"),
        (("categories",), "x", "categories"),
        (("images", 1), 3, "images[1]"),
        (("images", 0, "id"), "nine", "images[0].id"),
        (("images", 0, "id"), "2007_000033", "images[0].id"),
        (("images", 0, "id"), 2, "images[1].id"),
        (("images", 0, "width"), -5, "images[0].width"),
        (("images", 0, "width"), "wide", "images[0].width"),
        (("images", 0, "height"), True, "images[0].height"),
        (("images", 0, "file_name"), "\ud800.jpg", "images[0].file_name"),
        (("images", 0, "file_name"), "a\0.jpg", "images[0].file_name"),
        (("images", 0, "file_name"), "", "images[0].file_name"),
        (("categories", 0, "name"), None, "categories[0].name"),
        (("categories", 1, "id"), 7, "categories[1].id"),
        (("annotations", 1, "id"), 5, "annotations[1].id"),
        (("annotations", 1, "image_id"), 3, "annotations[1].image_id"),
        (("annotations", 1, "category_id"), 2, "annotations[1].category_id"),
        (("annotations", 1, "category_id"), [], "annotations[1].category_id"),
        (("annotations", 0, "bbox"), [1, 2, 3], "annotations[0].bbox"),
        (("annotations", 0, "bbox"), [1, 2, -3, 4], "annotations[0].bbox"),
        (("annotations", 0, "bbox"), [1, 2, float("nan"), 4], "annotations[0].bbox"),
        (("annotations", 0, "bbox"), None, "annotations[0].bbox"),
        (("annotations", 0, "bbox"), "[1, 2, 3, 4]", "annotations[0].bbox"),
        (("annotations", 0, "bbox"), [1, 2, "3_0", 4], "annotations[0].bbox"),
        (("annotations", 0, "area"), "large", "annotations[0].area"),
        (("annotations", 0, "iscrowd"), 2, "annotations[0].iscrowd"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, place: tuple[Any, ...], value: Any, key: str) -> None:
    with pytest.raises(InputError) as caught:
        read_annotations(written(tmp_path, changed(place, value)))
    assert f"instances.json: {key} (expected" in str(caught.value)


def test_a_name_of_two_used_categories_is_a_fault(tmp_path: Path) -> None:
    content = changed(("categories", 1, "name"), "b")
    content["annotations"][1]["category_id"] = 1
    with pytest.raises(InputError, match=r"categories\[1\]\.name \(expected another name than all before"):
        read_annotations(written(tmp_path, content))


def test_a_missing_key_is_said_to_be_missing(tmp_path: Path) -> None:
    content = copy.deepcopy(GOOD)
    del content["annotations"][0]["category_id"]
    with pytest.raises(
        InputError, match=r"annotations\[0\]\.category_id \(expected the id .*, got nothing\)"
    ):
        read_annotations(written(tmp_path, content))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"images": [1, 2', "\x00", "[" * 100_000])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"instances\.json"):
        read_annotations(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*gone\.json"):
        read_annotations(tmp_path / "gone.json")


def test_an_image_of_another_size_does_not_fit(tmp_path: Path) -> None:
    annotations = read_annotations(written(tmp_path, GOOD))
    assert with_size(annotations, annotations.images[0], 30, 20) == annotations.images[0]
    with pytest.raises(
        InputError, match=r"do not fit the images: .*000002\.jpg \(expected 30x20 pixels, got 20x30\)"
    ):
        with_size(annotations, annotations.images[0], 20, 30)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
places = st.sampled_from(
    [
        (key, *rest)
        for key in ("images", "categories", "annotations")
        for rest in [(), (0,), *((0, inner) for inner in GOOD[key][0])]
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=places, value=junk)
def test_anything_in_any_place_is_read_or_refused_by_name(
    tmp_path: Path, place: tuple[Any, ...], value: Any
) -> None:
    path = written(tmp_path, changed(place, value))
    fault = ""
    try:
        annotations = read_annotations(path)
    except InputError as error:
        fault = str(error)
    if fault:
        # what is wrong with an image's or category's id may show in an annotation
        assert any(f"instances.json: {key}" in fault for key in (place[0], "annotations["))
    else:
        assert annotations.images
        assert all(image.width >= 0 and isinstance(image.file_name, str) for image in annotations.images)
