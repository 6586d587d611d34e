"""Where this project's own files are: the checkout that runs, or one made of an installed wheel.

A wheel has the CK repository in it (``ckssd/repository``). CK writes beside its programs, and an installed
environment gets this library's source by a folder that has nothing else in it; so what a wheel has is laid
out once, as a checkout is, in the person's data folder, under a name that its content decides.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import shutil
from pathlib import Path

import ckssd
from ckssd.errors import EnvironmentSetupError
from ckssd.staging import staging_folder

LIBRARY = Path(ckssd.__file__).resolve().parent
IN_WHEEL = "repository"
SIGN = ".ckr.json"  # of a CK repository
NOT_COPIED = shutil.ignore_patterns("__pycache__", IN_WHEEL)


def is_checkout() -> bool:
    """Whether this library runs from a checkout."""
    return (LIBRARY.parent.parent / SIGN).is_file()


@functools.cache
def own_root() -> Path:
    """The checkout, or what stands for it.

    Raises
    ------
    EnvironmentSetupError
        The library was copied without its repository, or no place can be written to.
    """
    return LIBRARY.parent.parent if is_checkout() else _laid_out(LIBRARY / IN_WHEEL, data_folder())


def source_folder() -> Path:
    """The folder to be on another interpreter's path: this library is in it, and nothing else."""
    return own_root() / "src"


def data_folder() -> Path:
    """Where this project keeps what is not of a checkout (``XDG_DATA_HOME``)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ckssd"


def _laid_out(repository: Path, folder: Path) -> Path:
    if not (repository / SIGN).is_file():
        raise EnvironmentSetupError(
            "This library has no CK repository with it",
            where=LIBRARY,
            expected="a checkout, or an installed wheel of ckssd",
            advice="install it again: uv tool install, pipx install or pip install, of a checkout",
        )
    place = folder / f"ck-ssd-{ckssd.__version__}-{_content()}"
    if not place.is_dir():
        with staging_folder(folder, place.name) as staging:
            whole = staging / "checkout"
            shutil.copytree(repository, whole)
            shutil.copytree(LIBRARY, whole / "src" / LIBRARY.name, ignore=NOT_COPIED)
            _put(whole, place)
    return place


def _content() -> str:
    """A short hash of all that was installed: of the hashes that the installer recorded."""
    record = importlib.metadata.distribution(LIBRARY.name).read_text("RECORD") or ""
    hashes = sorted(line for line in record.splitlines() if line.startswith(f"{LIBRARY.name}/"))
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:8]


def _put(whole: Path, place: Path) -> None:
    try:
        whole.rename(place)
    except OSError as error:
        if not place.is_dir():  # else another process was first, with the same
            raise EnvironmentSetupError(
                "The folder cannot be made", where=place, got=error.strerror
            ) from error
