"""Locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from ckssd.errors import EnvironmentSetupError
from ckssd.fetch.locking import held_lock, holder_of

HOLD = """
import sys
from pathlib import Path
from ckssd.fetch.locking import held_lock
with held_lock(Path(sys.argv[1]), "a test"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(folder):
    command = [sys.executable, "-c", HOLD, str(folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_process_is_told_who_holds_the_lock(folder, holder, capfd):
    waited = threading.Thread(target=holder.stdin.close)
    threading.Timer(0.3, waited.start).start()
    with held_lock(folder / "lock", "the installation of x") as held:
        assert held
        assert holder_of(folder / "lock") == os.getpid()
    assert (
        f"waiting for process {holder.pid}, which is busy with the installation of x"
        in capfd.readouterr().err
    )
    assert holder_of(folder / "lock") is None


def test_without_waiting_a_busy_lock_is_reported(folder, holder):
    with held_lock(folder / "lock", "x", wait=False) as held:
        assert not held
    assert holder_of(folder / "lock") == holder.pid


def test_killed_holder_frees_the_lock(folder, holder):
    holder.kill()
    holder.wait()
    with held_lock(folder / "lock", "x", wait=False) as held:
        assert held


def test_impossible_lock_file_is_an_environment_error(folder):
    (folder / "file").write_text("")
    with pytest.raises(EnvironmentSetupError), held_lock(folder / "file" / "lock", "x"):
        pass


def test_one_process_does_not_get_it_twice(folder):
    with held_lock(folder / "lock", "x"), held_lock(folder / "lock", "x", wait=False) as second:
        assert not second
    with held_lock(folder / "lock", "x", wait=False) as again:
        assert again


def test_lock_is_not_handed_down_to_a_process_that_outlives_its_parent(folder):
    with held_lock(folder / "lock", "x"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    with held_lock(folder / "lock", "x", wait=False) as held:
        assert held
    child.kill()
    child.wait()
