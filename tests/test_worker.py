"""A worker that dies leaves nothing of what it made for a while."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from ckssd.errors import RunError
from ckssd.worker import run_worker


def test_temporary_files_of_a_killed_worker_go_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "made"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nmktemp -d >"{made}"\nkill -KILL $$\n')
    python.chmod(0o755)
    temporary = tmp_path / "temporary files"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(RunError, match=r"^A worker process died: some\.module .*signal 9, Killed"):
        run_worker(python, "some.module", [])
    assert temporary in Path(made.read_text().strip()).parents
    assert list(temporary.iterdir()) == []
