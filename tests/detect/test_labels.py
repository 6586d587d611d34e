"""Matching a model's class names with a data set's categories."""

from __future__ import annotations

import pytest

from ckssd.detect.labels import map_classes
from ckssd.errors import InputError

SHAPES = {1: "circle", 2: "square", 3: "triangle"}


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
