"""A worker leaves nothing of what it made for a while, and none stays that is not wanted any more."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from ckssd.errors import RunError
from ckssd.worker import run_worker
from tests.support.processes import Started, wait_for


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


def test_a_worker_that_does_not_end_when_told_to_is_killed(tmp_path: Path) -> None:
    began, python = tmp_path / "began", tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntrap "" TERM\necho $$ >"{began}"\nwhile :; do sleep 0.1; done\n')
    python.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from ckssd import endings, worker; "
        "worker.TIME_TO_CLEAN_UP_S = 0.2; "
        "endings.run_main('x', lambda: worker.run_worker(Path(sys.argv[1]), 'some.module', []))"
    )
    started = Started([sys.executable, "-c", code, str(python)], os.environ, tmp_path)
    wait_for(lambda: began.exists() and began.read_text().endswith("\n"))
    os.kill(started.process_id, signal.SIGTERM)
    assert started.finish() == (143, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)
