"""A hierarchy of classes: what is above what; files that are none end in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ckssd.coco.hierarchy import fit_hierarchy, read_hierarchy
from ckssd.coco.truth import GroundTruth, read_truth
from ckssd.errors import InputError

# The API's own test of its expansion has this one.
TREE = {
    "LabelName": "a",
    "Subcategory": [
        {"LabelName": "b"},
        {
            "LabelName": "c",
            "Subcategory": [
                {"LabelName": "d"},
                {"LabelName": "e"},
                {"LabelName": "f", "Subcategory": [{"LabelName": "d"}]},
            ],
        },
        {"LabelName": "f", "Subcategory": [{"LabelName": "d"}], "Part": [{"LabelName": "b"}]},
    ],
}


def written(folder: Path, content: Any, name: str = "hierarchy.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def truth_of(folder: Path, *categories: dict[str, Any]) -> GroundTruth:
    images = [{"id": 1, "file_name": "1.jpg", "width": 10, "height": 10}]
    content = {"images": images, "categories": categories, "annotations": []}
    return read_truth(written(folder, content, "instances.json"))


def test_a_class_has_all_above_it_at_all_its_places_but_the_outermost(tmp_path: Path) -> None:
    above = read_hierarchy(written(tmp_path, TREE))
    assert {label: "".join(sorted(others)) for label, others in above.items()} == {
        "b": "",
        "c": "",
        "e": "c",
        "d": "cf",
        "f": "c",
    }


def test_categories_are_found_by_their_label_or_their_name(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, {"id": 7, "name": "Dog", "freebase_id": "d"}, {"id": 3, "name": "c"})
    found = fit_hierarchy(written(tmp_path, TREE), truth)
    assert (found.wider, found.narrower) == ({7: (3,), 3: ()}, {7: (), 3: (7,)})
    (note,) = found.notes
    assert note == "1 classes above categories are no category of the annotations, and do not count (f)"


def test_a_table_beside_it_names_its_labels(tmp_path: Path) -> None:
    table = tmp_path / "class-descriptions-boxable.csv"
    table.write_text('d,"Hund, klein"\nc,Tier\n', encoding="utf-8")
    truth = truth_of(tmp_path, {"id": 7, "name": "Hund, klein"}, {"id": 3, "name": "Tier"})
    found = fit_hierarchy(written(tmp_path, TREE), truth)
    assert found.wider == {7: (3,), 3: ()}
    assert "class-descriptions-boxable.csv" in found.notes[0]
    table.write_text("d,Hund\nc\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"class-descriptions-boxable\.csv:2 \(expected a label and its name"
    ):
        fit_hierarchy(written(tmp_path, TREE), truth)
    table.write_bytes(b"d,\xff\n")
    with pytest.raises(InputError, match="cannot be read"):
        fit_hierarchy(written(tmp_path, TREE), truth)


def test_a_category_that_is_not_in_it_is_noted(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, {"id": 1, "name": "b"}, {"id": 2, "name": "zebra"})
    assert fit_hierarchy(written(tmp_path, TREE), truth).notes == (
        "1 category not in the hierarchy: as it is (zebra)",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "The hierarchy's classes are no JSON"),
        ("[]", "The hierarchy's classes are no JSON object"),
        ("[" * 100_000, "The hierarchy's classes are no JSON"),
        ("{}", "Subcategory"),
        ({"LabelName": "a", "Subcategory": {}}, "expected a list of classes"),
        ({"LabelName": "a", "Subcategory": ["b"]}, "Subcategory[0]"),
        ({"Subcategory": [{"Label": "b"}]}, "Subcategory[0].LabelName (expected a label"),
        ({"Subcategory": [{"LabelName": 3}]}, "Subcategory[0].LabelName"),
        (
            {"Subcategory": [{"LabelName": "b", "Subcategory": [{"LabelName": "b"}]}]},
            "no class below itself",
        ),
        ({"Subcategory": [{"LabelName": "other"}]}, "does not fit the annotations"),
    ],
    ids=str,
)
def test_a_file_that_is_no_hierarchy_is_one_line(tmp_path: Path, content: Any, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        fit_hierarchy(path, truth_of(tmp_path, {"id": 1, "name": "b"}))
    text = str(caught.value)
    assert said in text
    assert str(path) in text
    assert "\n" not in text


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_hierarchy(tmp_path / "gone.json")


def test_two_categories_of_one_class_are_refused(tmp_path: Path) -> None:
    truth = truth_of(tmp_path, {"id": 1, "name": "b"}, {"id": 2, "name": "B", "freebase_id": "b"})
    with pytest.raises(InputError, match="one category for each class"):
        fit_hierarchy(written(tmp_path, TREE), truth)
