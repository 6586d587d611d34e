"""Choosing a registry's client, and an environment of its own for a client that the machine may lack."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.fetch import Source
from ckssd.install import Environment, create_environment


def download_from_registry(source: Source, folder: Path) -> Path:
    """Let the client of the registry that ``source.purl`` names put the file into an empty folder.

    Returns
    -------
    Path
        The file, called ``source.file_name``; its content is not yet verified.

    Raises
    ------
    EnvironmentSetupError
        The client is missing and cannot be had.
    NetworkError
        The client failed; ``got`` is what it said.
    VerificationError
        The registry's file has another hash.
    InputError
        The client gave another file.
    """
    # Here, because the modules of the clients use this one.
    from ckssd.registry.npm import npm_pack
    from ckssd.registry.pypi import pip_download

    if source.purl is None:
        raise UsageError("this source is no package of a registry", where=source.file_name)
    return {"npm": npm_pack, "pypi": pip_download}[source.purl.registry](source, source.purl, folder)


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
