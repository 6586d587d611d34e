"""Which source an install of the Object Detection API means, and what tells installations apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import InputError, UsageError
from ckssd.recipes.object_detection_api import (
    applies_fixes,
    git_source,
    object_detection_api,
    variant_of,
)
from ckssd.recipes.package import Package

COMMIT, OTHER = "a" * 40, "b" * 40
GIT = {"git": {"url": "https://example.org/m.git", "commit": COMMIT, "folders": ["x"]}, "protoc": "p.lock"}
VARIANTS = {"one": {"requirements": "one.lock"}, "two": GIT}


def package(*variations: str, **options: str) -> Package:
    return Package(
        alias="api",
        uid="0" * 16,
        version="1.0",
        folder=Path("api"),
        meta={"ckssd": {"variants": VARIANTS}},
        options=options,
        variations=variations,
    )


def test_the_variation_that_is_a_source_decides() -> None:
    assert variant_of(package("fixes", "one")) == ("one", VARIANTS["one"])


@pytest.mark.parametrize("variations", [(), ("fixes",), ("one", "two")])
def test_none_or_several_sources_are_refused(variations: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="one of one, two"):
        variant_of(package(*variations))


@pytest.mark.parametrize(("value", "applied"), [("yes", True), ("1", True), ("no", False), ("", False)])
def test_fixes_follow_the_variable(value: str, applied: bool) -> None:
    assert applies_fixes(package("one", CK_APPLY_FIXES=value)) is applied


def test_fixes_are_applied_when_nobody_said_anything() -> None:
    assert applies_fixes(package("one"))


def test_address_and_commit_can_be_replaced() -> None:
    assert git_source(package("two"), GIT).commit == COMMIT
    replaced = git_source(package("two", PACKAGE_URL="file:///m", PACKAGE_COMMIT=OTHER), GIT)
    assert (replaced.url, replaced.commit, replaced.folders) == ("file:///m", OTHER, ("x",))


def test_a_commit_that_is_no_full_id_is_refused() -> None:
    with pytest.raises(UsageError, match="full id"):
        git_source(package("two", PACKAGE_COMMIT="main"), GIT)


def test_installations_with_other_variations_or_commits_are_others() -> None:
    several = [
        package("fixes", "two"),
        package("no-fixes", "two"),
        package("fixes", "one"),
        package("fixes", "two", PACKAGE_COMMIT=OTHER),
    ]
    identities = [object_detection_api.identity(each) for each in several]
    assert all(identities.count(each) == 1 for each in identities)
    assert identities[0].variation == "fixes,two"
    assert identities[-1].options == {"PACKAGE_COMMIT": OTHER}
