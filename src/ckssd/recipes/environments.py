"""The Python environment of a package: the entry says which Python, which lock, and what may be built."""

from __future__ import annotations

import sys
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.install import Python, choose_python, create_environment, python_at
from ckssd.recipes.package import Package

NAMED_PYTHON = "CK_PYTHON"


def make_environment(package: Package, staging: Path) -> Python:
    """Make the virtual environment that the entry describes in ``staging``; return its base Python.

    ``ckssd.python`` names the versions, ``ckssd.requirements`` the lock. With ``ckssd.allow_source``,
    packages never published as wheels are built by the tools of the lock ``ckssd.build_requirements``.

    ``CK_PYTHON`` among the install's variables names the interpreter; otherwise the running one is taken
    when it fits, else the newest that is found or can be had.

    Raises
    ------
    UsageError
        ``CK_PYTHON`` is no interpreter.
    EnvironmentSetupError
        No Python fits and none can be had.
    VerificationError
        A package, or a tool that builds one, differs from its locked hash.
    RunError
        uv failed.
    """
    section = package.section
    python = python_for(package)
    builders = section.get("build_requirements")
    create_environment(
        python,
        package.folder / str(section["requirements"]),
        staging,
        allow_source=bool(section.get("allow_source", False)),
        build_requirements=None if builders is None else package.folder / str(builders),
        prompt=package.alias,
    )
    return python


def python_for(package: Package, *, install_missing: bool = True) -> Python:
    """Return the base interpreter for a package's environment; ``CK_PYTHON`` is used or refused.

    Parameters
    ----------
    install_missing
        Whether uv may get a Python where none fits: not for a dry run.

    Raises
    ------
    UsageError
        ``CK_PYTHON`` is no interpreter.
    EnvironmentSetupError
        No Python fits and none can be had.
    """
    requires = str(package.section["python"])
    named = package.options.get(NAMED_PYTHON)
    if not named:
        return choose_python(requires, preferred=Path(sys.executable), install_missing=install_missing)
    python = python_at(Path(named))
    if python is None:
        raise UsageError(
            f"{NAMED_PYTHON} is no CPython that runs", where=named, expected=f"CPython {requires}"
        )
    return choose_python(requires, found=[python], install_missing=False)
