"""A data set of one's own is found in the layouts that tools write, by its file or by its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckssd.coco.layout import find_data_set
from ckssd.errors import InputError

LAYOUTS = {  # annotations' file, images' folder, names in the annotations, their files in the folder
    "COCO": ("annotations/instances_val2017.json", "val2017", "{}.jpg"),
    "CVAT": ("annotations/instances_default.json", "images", "{}.jpg"),
    "CVAT with a folder of the split": ("annotations/instances_default.json", "images/default", "{}.jpg"),
    "folders inside the images": ("annotations/instances_default.json", "images", "camera {0}/{0}.jpg"),
    "Roboflow": ("_annotations.coco.json", ".", "{}_jpg.rf.0a1b.jpg"),
    "file beside images": ("labels.json", "images", "{}.jpg"),
    "names from the root": ("annotations/mine.json", ".", "images/{}.jpg"),
    "any folder": ("annotations/mine.json", "my pictures", "{}.jpg"),
    "any folder of images": ("annotations/mine.json", "images/of the day", "{}.jpg"),
    "images among the annotations": ("annotations/mine.json", "annotations", "{}.jpg"),
    "YOLO's": ("labels/val.json", "images/val", "{}.jpg"),
}


def annotations(*names: str) -> str:
    content = {
        "images": [{"id": n, "file_name": name, "width": 9, "height": 9} for n, name in enumerate(names)],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "annotations": [{"image_id": 0, "category_id": 1, "bbox": [1, 1, 2, 2]}],
    }
    return json.dumps(content)


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(("file", "folder", "name"), LAYOUTS.values(), ids=LAYOUTS)
def test_file_and_folder_lead_to_the_same_data_set(tmp_path: Path, file: str, folder: str, name: str) -> None:
    names = [name.format(number) for number in range(3)]
    named = write(tmp_path / file, annotations(*names))
    for one in names:
        write(tmp_path / folder / one)
    write(tmp_path / "thumbnails" / "0.jpg")
    by_file, by_folder = find_data_set(named), find_data_set(tmp_path)
    assert by_file.images == by_folder.images == tmp_path / folder
    assert by_file.annotations == by_folder.annotations == named
    assert by_file.root == tmp_path
    assert by_file.describe() == (
        f"found: 3 images in {tmp_path / folder}, annotations {named} (1 annotation, 2 categories)"
    )


def test_names_written_otherwise_are_found_too(tmp_path: Path) -> None:
    named = write(tmp_path / "annotations" / "a.json", annotations("C:\\set\\0.jpg", "C:\\set\\1.jpg"))
    for number in range(2):
        write(tmp_path / "images" / f"{number}.jpg")
    found = find_data_set(named)
    assert (found.images, found.missing) == (tmp_path / "images", ())


def test_a_part_of_the_images_is_said(tmp_path: Path) -> None:
    named = write(tmp_path / "annotations" / "a.json", annotations("0.jpg", "1.jpg"))
    write(tmp_path / "images" / "1.jpg")
    found = find_data_set(named)
    assert "found: 1 of 2 images in" in found.describe()
    assert found.notes()[0] == "the first image that is missing: 0.jpg"
    assert "1 annotation without area: width x height of the box was taken" in found.notes()


def test_no_image_at_all_is_refused(tmp_path: Path) -> None:
    named = write(tmp_path / "annotations" / "a.json", annotations("0.jpg"))
    with pytest.raises(
        InputError, match=r"images are not there: .*a\.json \(expected 0\.jpg in a folder images"
    ):
        find_data_set(named)


def test_several_files_are_refused_unless_one_has_the_usual_name(tmp_path: Path) -> None:
    for name in ("train.json", "val.json"):
        write(tmp_path / "annotations" / name, annotations("0.jpg"))
    write(tmp_path / "images" / "0.jpg")
    with pytest.raises(InputError, match=r"several files of annotations .*train\.json, .*val\.json"):
        find_data_set(tmp_path)
    assert find_data_set(tmp_path, "val.json").annotations.name == "val.json"
    write(tmp_path / "annotations" / "instances_test.json", annotations("0.jpg"))
    assert find_data_set(tmp_path).annotations.name == "instances_test.json"


def test_other_json_files_do_not_count(tmp_path: Path) -> None:
    write(tmp_path / "annotations" / "captions.json", '{"images": [], "annotations": []}')
    write(tmp_path / "annotations" / "a.json", annotations("0.jpg"))
    write(tmp_path / "images" / "0.jpg")
    assert find_data_set(tmp_path).annotations.name == "a.json"


def test_the_only_file_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    write(tmp_path / "annotations" / "a.json", annotations())
    with pytest.raises(InputError, match=r"a\.json: images \(expected at least one image"):
        find_data_set(tmp_path)


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "readme.txt")
    with pytest.raises(InputError, match=r"no annotations.*--full_path=FILE"):
        find_data_set(tmp_path)
