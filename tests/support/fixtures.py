"""Fixtures that several rooms' tests share; a room's ``conftest.py`` imports those it wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_server import LocalServer


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose path has a space, a quote and letters beyond ASCII."""
    made = tmp_path / "a space, a ' and é"
    made.mkdir()
    return made
