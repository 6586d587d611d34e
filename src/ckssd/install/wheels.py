"""Which files a lock makes uv fetch for one Python: asked of uv itself, nothing is downloaded."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import RunError
from ckssd.install.uv import run_uv
from ckssd.secrets import public

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class LockedFile:
    """One file of a Python package: its address at the index and its sha256."""

    package: str
    version: str
    url: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The file's own name."""
        return self.url.rsplit("/", 1)[-1]


def files_of_lock(lock: Path, interpreter: Path, version: str | None = None) -> tuple[LockedFile, ...]:
    """The wheel (or, where there is none, the source archive) of every package of a lock.

    Parameters
    ----------
    interpreter
        The Python to ask for; it is run.
    version
        Ask for this version of Python instead (``3.7``), which need not be on this machine.

    Raises
    ------
    RunError
        uv failed: without a network its cache may lack what the index says of a package.
    """
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        answer = Path(folder) / "pylock.toml"
        options = ["--no-deps", "--format", "pylock.toml", "--python", str(interpreter)]
        if version is not None:
            options += ["--python-version", version]
        run_uv(["pip", "compile", str(lock.absolute()), *options, "-o", str(answer)], quiet=True)
        content = tomllib.loads(answer.read_text(encoding="utf-8"))
    if not content.get("packages"):
        raise RunError("uv names no file for a lock", where=lock)
    return tuple(_file_of(package) for package in content["packages"])


def _file_of(package: dict[str, Any]) -> LockedFile:
    # Several wheels fit at times (manylinux tags); uv lists the best one first.
    file = package["wheels"][0] if package.get("wheels") else package["sdist"]
    return LockedFile(
        str(package["name"]), str(package["version"]), public(file["url"]), file["hashes"].get("sha256", "")
    )
