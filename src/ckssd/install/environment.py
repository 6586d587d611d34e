"""Python environments by uv, from locked requirements with hashes, that can be moved.

They are built in a staging folder and renamed afterwards, so every script finds its interpreter by its own
place (``--relocatable``). Files are hard links from uv's cache where the file system has them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import EnvironmentSetupError
from ckssd.install.pythons import Python
from ckssd.install.uv import run_uv


@dataclass(frozen=True)
class Environment:
    """A virtual environment in folder ``root``."""

    root: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin" / "python"

    @property
    def bin(self) -> Path:
        """Its scripts."""
        return self.root / "bin"

    @property
    def site_packages(self) -> Path:
        """Where its packages are.

        Raises
        ------
        EnvironmentSetupError
            The folder is no whole environment.
        """
        folders = sorted((self.root / "lib").glob("python*/site-packages"))
        if len(folders) != 1:
            raise EnvironmentSetupError("this is no whole Python environment", where=self.root)
        return folders[0]


def create_environment(
    python: Python | Path,
    requirements: Path,
    destination: Path,
    *,
    quiet: bool = False,
    allow_source: bool = False,
    build_requirements: Path | None = None,
    prompt: str = "env",
) -> Environment:
    """Make a virtual environment with exactly the locked packages.

    Parameters
    ----------
    python
        The interpreter to build on. Never one of pyenv's shims, which uv cannot use.
    requirements
        A lock: every package with its version and hashes.
    destination
        The folder to make; it may be renamed later as a whole.
    allow_source
        Build packages that have no wheel (needs what they need to be built); otherwise wheels only.
    build_requirements
        A lock of the tools that build them (setuptools, wheel); without one uv takes the newest.
    prompt
        What an activated shell shows.

    Raises
    ------
    VerificationError
        A package, or a tool of the build, did not have the locked hash.
    RunError
        uv failed; the error has its last lines.
    EnvironmentSetupError
        uv or the interpreter is missing.
    """
    interpreter = python.path if isinstance(python, Python) else python.absolute()
    environment = Environment(destination.absolute())
    options = ["--relocatable", "--no-project", "--prompt", prompt, "--python", str(interpreter)]
    run_uv(["venv", *options, str(environment.root)], quiet=True)
    builders = [] if build_requirements is None else ["--build-constraints", str(_lock(build_requirements))]
    wanted = _from_lock(requirements, allow_source)
    run_uv(["pip", "sync", "--python", str(environment.python), *builders, *wanted], quiet=quiet)
    return environment


def install_packages_to(
    directory: Path,
    requirements: Path,
    python: Python | Path,
    *,
    quiet: bool = False,
    allow_source: bool = True,
) -> None:
    """Put the locked packages, without what they depend on, into a plain folder.

    For packages of source files, such as the Object Detection API, that are used by way of PYTHONPATH.

    Parameters
    ----------
    directory
        The folder; made when missing.
    requirements
        A lock: every package with its version and hashes.
    python
        The interpreter whose packages are wanted.
    allow_source
        Accept packages that have no wheel.

    Raises
    ------
    VerificationError, RunError, EnvironmentSetupError
        As :func:`create_environment`.
    """
    interpreter = python.path if isinstance(python, Python) else python.absolute()
    arguments = [
        "pip",
        "install",
        "--no-deps",
        "--target",
        str(directory.absolute()),
        "--python",
        str(interpreter),
    ]
    *options, lock = _from_lock(requirements, allow_source)
    run_uv([*arguments, *options, "-r", lock], quiet=quiet)


def lock_of(environment: Path) -> tuple[str, ...]:
    """What is installed in an environment, as sorted ``name==version`` (names as in PEP 503).

    Parameters
    ----------
    environment
        Folder of the environment, or any folder with ``*.dist-info`` in it.

    Raises
    ------
    EnvironmentSetupError
        The folder is neither.
    """
    is_environment = (environment / "pyvenv.cfg").is_file()
    folder = Environment(environment).site_packages if is_environment else environment
    return tuple(sorted(_name_and_version(metadata) for metadata in folder.glob("*.dist-info/METADATA")))


def _from_lock(requirements: Path, allow_source: bool) -> list[str]:
    wheels_only = [] if allow_source else ["--only-binary", ":all:"]
    return ["--require-hashes", "--link-mode", "hardlink", *wheels_only, str(_lock(requirements))]


def _lock(requirements: Path) -> Path:
    if not requirements.is_file():
        raise EnvironmentSetupError("a requirements lock is missing", where=requirements)
    return requirements.absolute()


def _name_and_version(metadata: Path) -> str:
    header = metadata.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    fields = dict(re.findall(r"^(Name|Version):\s*(.*?)\s*$", header, re.MULTILINE))
    name = re.sub(r"[-_.]+", "-", fields.get("Name", "?")).lower()
    return f"{name}=={fields.get('Version', '?')}"
