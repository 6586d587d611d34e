"""An environment of its own for a client that the machine may lack."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from ckssd.install import Environment, create_environment


@contextlib.contextmanager
def client_environment(client: str) -> Iterator[Environment]:
    """Make a Python environment from this room's ``CLIENT.lock``; it is gone afterwards.

    Raises
    ------
    VerificationError, RunError, EnvironmentSetupError
        As :func:`create_environment`.
    """
    lock = resources.files("ckssd.registry") / f"{client}.lock"
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work, resources.as_file(lock) as lock_path:
        yield create_environment(Path(sys.executable), lock_path, Path(work) / client, quiet=True)
