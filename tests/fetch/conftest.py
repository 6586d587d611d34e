"""What the tests of this room share: the local server, an awkward folder, quick and patient settings."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ckssd.fetch import Settings, Source
from tests.support.fixtures import folder, server

__all__ = ["body", "folder", "server", "settings", "source_of"]


@pytest.fixture(scope="session")
def body() -> bytes:
    """1.5 MB that do not compress and differ at every offset."""
    return random.Random(1).randbytes(1_500_000)


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(cache=folder / "cache", stall_seconds=10, first_wait_seconds=0.01)


@pytest.fixture
def source_of() -> Callable[..., Source]:
    """Make the source of some bytes at some URLs."""

    def make(data: bytes, *urls: str, name: str = "file.bin") -> Source:
        return Source(name, urls, size=len(data), sha256=hashlib.sha256(data).hexdigest())

    return make
