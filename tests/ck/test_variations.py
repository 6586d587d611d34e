"""Which variations an install has: those it names, the defaults that fit, and what a variable turns round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ckssd.ck.installer import PackageEntry
from ckssd.ck.variations import active_variations, switched_off, version_of
from ckssd.errors import UsageError

SWITCHES: dict[str, Any] = {
    "one": {
        "on_by_default": "yes",
        "extra_env": {"SOURCE": "one"},
        "extra_customize": {"version": "2020.07"},
    },
    "two": {"extra_env": {"SOURCE": "two"}},
    "fixes": {"on_by_default": "yes", "extra_env": {"CK_APPLY_FIXES": "yes"}},
    "no-fixes": {"extra_env": {"CK_APPLY_FIXES": "no"}},
}


def options(value: str) -> dict[str, Any]:
    return {"CK_APPLY_FIXES": value, "SOURCE": "one"}


@pytest.mark.parametrize(
    ("tags", "variables", "variations"),
    [
        ("model", {}, ("fixes", "one")),
        ("model, two", {}, ("fixes", "two")),
        ("model,two,no-fixes", {}, ("no-fixes", "two")),
        ("model,two", {"CK_APPLY_FIXES": "no"}, ("no-fixes", "two")),
    ],
)
def test_a_default_is_left_out_when_a_named_one_or_a_variable_says_otherwise(
    tags: str, variables: dict[str, str], variations: tuple[str, ...]
) -> None:
    assert active_variations({"variations": SWITCHES}, tags, variables) == variations


def test_an_entry_without_variations_has_none() -> None:
    assert active_variations({}, "model,one", {}) == ()


def test_a_variation_may_state_a_version_of_its_own() -> None:
    entry = PackageEntry("api", "0" * 16, "1.0", (), (*SWITCHES,), Path("api"), {"variations": SWITCHES})
    assert version_of(entry, ("fixes", "one")) == "2020.07"
    assert version_of(entry, ("fixes", "two")) == "1.0"


def test_a_variable_turns_the_default_variation_into_its_opposite() -> None:
    assert switched_off(SWITCHES, ["model", "one", "fixes"], options("no")) == ["fixes"]
    assert switched_off(SWITCHES, ["model", "one", "fixes"], options("off")) == ["fixes"]


def test_a_variable_that_agrees_changes_nothing() -> None:
    assert switched_off(SWITCHES, ["model", "one", "fixes"], options("yes")) == []
    assert switched_off(SWITCHES, ["model", "one", "no-fixes"], options("no")) == []
    assert switched_off(SWITCHES, ["model", "one", "fixes"], {}) == []


def test_a_variable_against_the_opposite_asked_for_by_name_is_a_contradiction() -> None:
    with pytest.raises(UsageError, match="contradicts"):
        switched_off(SWITCHES, ["one", "no-fixes"], options("yes"))


def test_a_value_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(UsageError, match="CK_APPLY_FIXES"):
        switched_off(SWITCHES, ["one", "fixes"], options("perhaps"))
