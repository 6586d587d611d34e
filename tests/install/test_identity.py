"""An identity: how people and JSON files see it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from ckssd.install import Identity

ENTRY = Identity("model-x", "0123456789abcdef", "1.0", "fast,fixes", {"SIZE": "20", "NAME": "a b"})


def test_it_is_described_by_all_but_its_uid() -> None:
    assert ENTRY.describe() == "model-x 1.0 [fast] [fixes] NAME=a b SIZE=20"
    assert replace(ENTRY, variation="", options={}).describe() == "model-x 1.0"


def test_it_comes_back_from_json() -> None:
    assert Identity.from_json(asdict(ENTRY), ENTRY.options) == ENTRY


def test_a_commit_among_the_variations_is_none() -> None:
    old = {**asdict(ENTRY), "variation": "fast,commit=abc,fixes"}
    assert Identity.from_json(old, ENTRY.options) == ENTRY


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ({}, {}),
        ({**asdict(ENTRY), "version": 1}, {}),
        (asdict(ENTRY), {"SIZE": 20}),
        (asdict(ENTRY), ["SIZE"]),
    ],
)
def test_what_is_malformed_is_refused(entry: dict[str, Any], options: Any) -> None:
    with pytest.raises((KeyError, TypeError, AttributeError)):
        Identity.from_json(entry, options)
