"""Categories are matched with labels by name; another spelling, or one that nobody needs, is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.detect.categories import match, plain_name
from ckssd.errors import InputError

LABELS = ["person", "traffic light", "T-Shirt"]


@pytest.mark.parametrize(
    "name", ["Traffic Light", "traffic_light", " traffic  light ", "TRAFFIC-LIGHT", "trafficlight"]
)
def test_another_spelling_is_matched_with_a_note(name: str) -> None:
    found = match(LABELS, {3: "person", 4: name}, [3, 4], "a.json")
    assert found.by_label == {"person": 3, "traffic light": 4}
    assert found.left_out == ()
    assert found.notes == (
        f"categories matched with labels that are spelled otherwise (1): {name!r} as 'traffic light'",
    )


def test_the_exact_name_comes_first_and_needs_no_note() -> None:
    found = match(["cat", "Cat"], {1: "cat", 2: "Cat"}, [1, 2], "a.json")
    assert (found.by_label, found.notes) == ({"cat": 1, "Cat": 2}, ())


@pytest.mark.parametrize(
    ("labels", "categories"),
    [
        (["cat", "Cat"], {1: "CAT"}),
        (["cat"], {1: "Cat", 2: "CAT"}),
        (["cat"], {1: "cat", 2: "Cat"}),
        (["person"], {1: "persons"}),
        (["-"], {1: "_"}),
    ],
)
def test_what_has_no_single_match_is_unknown(labels: list[str], categories: dict[int, str]) -> None:
    with pytest.raises(InputError, match=r"not trained on all .*: a\.json"):
        match(labels, categories, categories, "a.json")


def test_a_category_that_nobody_needs_is_left_out_with_a_note() -> None:
    found = match(LABELS, {0: "Street", 1: "person"}, [1], "a.json")
    assert (found.by_label, found.left_out) == ({"person": 1}, ("Street",))
    assert found.notes == (
        "categories left out, which no annotation uses and the model does not know (1): 'Street'",
    )


@given(st.lists(st.text(max_size=4), unique=True), st.lists(st.text(max_size=4), unique=True))
def test_no_label_or_category_is_matched_twice_or_with_another_name(
    labels: list[str], names: list[str]
) -> None:
    categories = dict(enumerate(names))
    found = match(labels, categories, [], "a.json")
    assert len(set(found.by_label.values())) == len(found.by_label)
    assert {*found.left_out, *(categories[one] for one in found.by_label.values())} == set(names)
    assert all(plain_name(label) == plain_name(categories[one]) for label, one in found.by_label.items())


def test_a_list_that_is_cut_says_so_and_the_labels_are_named_as_a_cause() -> None:
    labels = [f"class {number:02}" for number in range(90)]
    with pytest.raises(InputError, match=r"class 09, … \(90 names\), got mug\); .*--labels"):
        match(labels, {1: "mug"}, [1], "a.json")
