"""The Python environment of a package: the entry says which Python, which lock, and what may be built."""

from __future__ import annotations

import sys
from pathlib import Path

from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.fetch.hashing import hash_file
from ckssd.install import Provenance, Python, choose_python, create_environment, python_at
from ckssd.install.machine import this_machine, what_is_missing
from ckssd.install.pythons import minor_of
from ckssd.recipes.package import Package
from ckssd.report import say

NAMED_PYTHON = "CK_PYTHON"
LOCK_DIGEST = "requirements_sha256"


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
        There are no wheels for this machine; no Python fits and none can be had.
    VerificationError
        A package, or a tool that builds one, differs from its locked hash.
    RunError
        uv failed.
    """
    section = package.section
    refuse_another_machine(package)
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
        No Python fits and none can be had; ``ckssd.otherwise``, tags of a package, is then advised.
    """
    requires = str(package.section["python"])
    named = package.options.get(NAMED_PYTHON)
    if not named:
        try:
            return choose_python(requires, preferred=Path(sys.executable), install_missing=install_missing)
        except EnvironmentSetupError as error:
            raise _with_advice(error, package) from error
    python = python_at(Path(named))
    if python is None:
        raise UsageError(
            f"{NAMED_PYTHON} is no CPython that runs", where=named, expected=f"CPython {requires}"
        )
    return choose_python(requires, found=[python], install_missing=False)


def refuse_another_machine(package: Package) -> None:
    """Raise if the entry says that its locked packages have no wheels here: before any download.

    ``ckssd.machines`` names those for which they have, ``ckssd.glibc`` the oldest that some of them need.

    Raises
    ------
    EnvironmentSetupError
        They have none for this machine.
    """
    section = package.section
    missing = what_is_missing(section.get("machines"), section.get("glibc"))
    if missing is not None:
        raise EnvironmentSetupError(
            "This package does not run here", where=package.alias, got=f"{this_machine()}; {missing}"
        )


def _with_advice(error: EnvironmentSetupError, package: Package) -> EnvironmentSetupError:
    """The same error, with the other package that the entry names for such a machine."""
    otherwise = package.section.get("otherwise")
    if otherwise is None:
        return error
    advice = f"{error.advice}; or take another package: ck install package --tags={otherwise}"
    return EnvironmentSetupError(
        error.what, where=package.alias, expected=error.expected, got=error.got, advice=advice
    )


def lock_digest(package: Package) -> str:
    """Return the sha256 of the lock that the entry names."""
    return hash_file(package.folder / str(package.section["requirements"])).sha256


def check_environment(package: Package, there: Provenance) -> None:
    """Refuse an installed environment of another Python; tell if the entry's lock is another one by now.

    Raises
    ------
    UsageError, EnvironmentSetupError
        See ``refuse_another_python``.
    """
    refuse_another_python(package, there)
    if there.extra.get(LOCK_DIGEST, lock_digest(package)) != lock_digest(package):
        say(f"Note: {package.alias} was installed from an earlier lock; --env.CK_REINSTALL=yes takes today's")


def refuse_another_python(package: Package, there: Provenance) -> None:
    """Raise if ``CK_PYTHON`` names another Python than an installed environment was made of.

    It is no part of the identity: who names none is content with any that fits, and its path means nothing
    elsewhere; a lock has the version.

    Raises
    ------
    UsageError
        The versions differ, or ``CK_PYTHON`` is no interpreter.
    EnvironmentSetupError
        ``CK_PYTHON`` does not fit the package.
    """
    if not package.options.get(NAMED_PYTHON):
        return
    named, used = python_for(package), there.tools["python"]
    # Packages are for a minor version; an update to the next patch is no other environment.
    if named.minor != minor_of(used):
        raise UsageError(
            f"It is installed with another Python than {NAMED_PYTHON}",
            where=package.alias,
            expected=f"Python {named.version} ({named.path})",
            got=f"Python {used}",
            advice="--env.CK_REINSTALL=yes makes it anew with the one named",
        )
