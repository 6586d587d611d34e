"""What the tests of this room share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ckssd.install import Identity, Python, python_at
from tests.support.fixtures import folder, server

__all__ = ["folder", "identity", "python", "server", "target"]


@pytest.fixture
def identity() -> Identity:
    return Identity("lib-x", "0123456789abcdef", "1.0", "")


@pytest.fixture
def target(folder: Path) -> Path:
    return folder / "lib x"


@pytest.fixture(scope="session")
def python() -> Python:
    found = python_at(Path(sys.executable))
    assert found is not None
    return found
