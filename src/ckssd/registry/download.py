"""Choosing a registry's client."""

from __future__ import annotations

from pathlib import Path

from ckssd.errors import UsageError
from ckssd.fetch import Source
from ckssd.registry.npm import npm_pack
from ckssd.registry.pypi import pip_download


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
    if source.purl is None:
        raise UsageError("this source is no package of a registry", where=source.file_name)
    return {"npm": npm_pack, "pypi": pip_download}[source.purl.registry](source, source.purl, folder)
