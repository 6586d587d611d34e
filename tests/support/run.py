"""What one run of the tests makes once, whichever of its processes (``pytest -n``) needs it first.

The run has one folder, named to the processes by an environment variable and removed at its end; a
lock in it decides who makes a thing, and the others wait for it or do something else meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from ckssd.fetch.locking import held_lock
from tests.support.machine import Machine, this_machine
from tests.support.sandbox import Sandbox

VARIABLE = "CKSSD_TESTS_RUN"


def begin_run(config: pytest.Config) -> None:
    """Make the run's folder in its first process, which removes it when all is done, or interrupted."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="ck-ssd-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ[VARIABLE] = folder
        # The links to homes, too, go with it, even where their tests were killed; what uv downloaded stays.
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        os.environ.setdefault("UV_CACHE_DIR", str(caches / "uv"))
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        # Hundreds of Pythons are started: what one has compiled, the others only read.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False
        # Those of NumPy that nothing uses would wait busily on cores that others work on.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def shared_home() -> Sandbox:
    """The CK home of this run, whose installed packages all processes share."""
    folder = Path(os.environ[VARIABLE])
    with held_lock(folder / "ck home.lock", "the CK home"):
        return Sandbox(folder / "ck home" / "of the run")


def install_once(home: Sandbox, packages: Iterable[Sequence[str]]) -> None:
    """Install packages, by tags and options, into the home of this run, together with its other processes."""
    folder = Path(os.environ[VARIABLE], "installed")
    for wait in (False, True):  # first those that no other process is busy with
        for tags, *options in packages:
            done = folder / f"{tags}.done"
            with held_lock(folder / f"{tags}.lock", tags, wait=wait) as held:
                if held and not done.exists():
                    home.install(tags, *options)
                    done.touch()


def machine() -> Machine:
    """What this machine can have, asked once in a run."""
    return this_machine(shared_home(), Path(os.environ[VARIABLE]))
