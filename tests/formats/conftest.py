"""A folder of ten pictures in every format, made once a process; a test that changes one takes a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.formats.made import MAKERS, Content, make_pictures


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    """A folder with one folder a format, and what is in all of them."""
    root = tmp_path_factory.mktemp("my data")
    content = make_pictures(root / "drawn")
    for name, make in MAKERS.items():
        (root / name).mkdir()
        make(content, root / "drawn" / "images", root / name)
    return root, content


@pytest.fixture
def copy_of(made: tuple[Path, Content], tmp_path: Path) -> Callable[[str], Path]:
    """Gives a copy of a format's folder."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(made[0] / name, tmp_path / "a copy" / name))

    return copied
