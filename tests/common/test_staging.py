"""Staging folders: gone at the end, removed after a kill by the next, and never while their process lives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError
from ckssd.staging import staging_folder

STAGING_FOR_EVER = """
import sys, time
from pathlib import Path
from ckssd.staging import staging_folder

with staging_folder(Path(sys.argv[1]), sys.argv[2]) as staging:
    (staging / "half a file").touch()
    print(staging, flush=True)
    time.sleep(600)
"""


@contextmanager
def another_process(folder: Path, name: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has a staging folder, and that folder."""
    command = [sys.executable, "-c", STAGING_FOR_EVER, str(folder), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().rstrip("\n"))
        finally:
            process.kill()


def test_it_is_gone_at_the_end(tmp_path: Path) -> None:
    with staging_folder(tmp_path / "new" / "folder", "model") as staging:
        (staging / "sub").mkdir()
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_of_that_name(tmp_path: Path) -> None:
    folder = tmp_path / "a folder [of models]"
    with another_process(folder, "model") as (process, abandoned):
        process.kill()
        process.wait()
        assert (abandoned / "half a file").exists()
        with staging_folder(folder, "other"):
            assert abandoned.exists(), "another model's"
        with staging_folder(folder, "model"):
            assert not abandoned.exists()


def test_the_folder_of_a_living_process_stays(tmp_path: Path) -> None:
    with another_process(tmp_path, "model") as (_, used), staging_folder(tmp_path, "model") as staging:
        assert staging != used
        assert (used / "half a file").exists()


def test_nothing_else_is_removed(tmp_path: Path) -> None:
    mine = [tmp_path / name for name in (".model-settings", "model", ".ckssd-model")]
    for path in mine:
        path.mkdir()
    (tmp_path / ".ckssd-model-file").touch()
    with staging_folder(tmp_path, "model"):
        assert all(path.is_dir() for path in mine)
        assert (tmp_path / ".ckssd-model-file").is_file()


def test_a_folder_that_cannot_be_written_to_is_named() -> None:
    with (
        pytest.raises(EnvironmentSetupError, match="cannot be written to: /proc/none"),
        staging_folder(Path("/proc/none"), "model"),
    ):
        pass
