"""The tiny model as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.tiny_model import tiny_model
from tests.support.fixtures import folder

__all__ = ["folder"]


@pytest.fixture
def tiny_path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model())
    return path
