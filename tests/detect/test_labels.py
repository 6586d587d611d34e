"""Label maps and lists, and matching them with a data set's categories."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.detect.labels import map_classes, read_labels
from ckssd.errors import InputError

SHAPES = {1: "circle", 2: "square", 3: "triangle"}


def file(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_label_map_gives_display_names_before_names(tmp_path: Path) -> None:
    text = """
    # a comment
    item {
      name: "/m/01g317"
      id: 1
      display_name: "person"
    }
    item { id: 3 name: 'traffic light' }
    """
    assert read_labels(file(tmp_path, "labelmap.pbtxt", text)) == {1: "person", 3: "traffic light"}


def test_a_list_counts_lines_and_leaves_out_background_and_gaps(tmp_path: Path) -> None:
    assert read_labels(file(tmp_path, "flatlabels.txt", "background\nperson\n???\ntraffic light\n")) == {
        1: "person",
        3: "traffic light",
    }


def test_a_list_without_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no labels: .*flatlabels\.txt.*background first"):
        read_labels(file(tmp_path, "flatlabels.txt", "???\n"))


@pytest.mark.parametrize("name", ["gone.pbtxt", "gone.txt"])
def test_a_missing_label_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot (be )?read.*gone\."):
        read_labels(tmp_path / name)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"cannot be read: .*binary\.txt"):
        read_labels(tmp_path / "binary.txt")


def test_equal_ids_give_class_plus_one() -> None:
    mapped = map_classes(SHAPES, SHAPES, num_classes=3, offset=1, where="a.json")
    assert mapped.category_ids == {0: 1, 1: 2, 2: 3}
    assert mapped.describe() == "category id = class + 1 (1 circle, 2 square, 3 triangle)"


def test_other_ids_are_matched_by_name() -> None:
    mapped = map_classes(
        SHAPES, {30: "circle", 7: "square", 9: "triangle"}, num_classes=3, offset=1, where="a.json"
    )
    assert mapped.category_ids == {0: 30, 1: 7, 2: 9}
    assert mapped.describe().startswith("category ids matched by name (30 circle")


def test_classes_without_a_category_are_ignored_and_said() -> None:
    mapped = map_classes(SHAPES, {2: "square"}, num_classes=3, offset=1, where="a.json")
    assert mapped.category_ids == {1: 2}
    assert mapped.ignored == ("circle", "triangle")


def test_a_category_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match=r"annotations do not fit the model.*a\.json.*got cat, dog"):
        map_classes(SHAPES, {1: "circle", 2: "dog", 3: "cat"}, num_classes=3, offset=1, where="a.json")


def test_more_labels_than_classes_are_refused() -> None:
    with pytest.raises(InputError, match=r"labels do not fit the model.*ids 1 to 2.*3 \(triangle\)"):
        map_classes(SHAPES, SHAPES, num_classes=2, offset=1, where="a.json")
