"""Given values have to be those of the network: each way not to be is one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import ckssd.tflite

SCRIPT = Path(ckssd.tflite.__file__).parent / "inside" / "given_checkpoint.py"
WANTED = {"a/weights": (1, 1, 4, 8), "a/biases": (8,)}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("given_checkpoint", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
