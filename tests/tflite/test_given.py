"""Given values have to be those of the network: each way not to be is one line."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.support.inside import load_inside

WANTED = {"a/weights": (1, 1, 4, 8), "a/biases": (8,)}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_inside("given_checkpoint")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (WANTED, None),
        ({"a/weights": (1, 1, 4, 8)}, "the values lack a/biases (1 such)"),
        (
            {**WANTED, "b/biases": (8,)},
            "the values have a variable that the network lacks: b/biases (1 such)",
        ),
        ({**WANTED, "a/biases": (9,)}, "a/biases has shape (9,), the network's (8,)"),
    ],
)
def test_values_that_do_not_fit_are_named(
    script: ModuleType, given: dict[str, tuple[int, ...]], fault: str | None
) -> None:
    assert script.difference(WANTED, given) == fault
