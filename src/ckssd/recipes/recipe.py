"""A recipe: how one kind of package is made, and which variables of an install it listens to.

It sees no variable that it has not declared, so none that decides the content can be read and yet be left
out of what tells installations apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ckssd
from ckssd.errors import UsageError
from ckssd.install import Identity, Outcome, Provenance, ensure, installed
from ckssd.recipes.package import Package, Used
from ckssd.report import say, step
from ckssd.secrets import public_value

# Variables that name another source of what is downloaded.
SOURCES = ("PACKAGE_URL", "PACKAGE_SHA256", "PACKAGE_COMMIT")

# Of an entry, a whole number from 1 on: raised when the same version has to be made again everywhere.
REVISION = "revision"

Fill = Callable[[Package, Path], Used]
Check = Callable[[Package, Provenance], None]


def _suits(_: Package, __: Provenance) -> None:
    """An installation of the same identity is what was asked for."""


@dataclass(frozen=True)
class Recipe:
    """A function that fills a folder, with the variables that it reads.

    Parameters
    ----------
    fill
        Given a package and an empty folder, fills it and says what it used.
    content
        Variables that decide what is in the folder, to the value that means the same as none (``""``: none
        does). They are part of the identity; lock files carry them.
    means
        Variables that decide by what it is made, or that only repeat what a variation says.
    check
        Raises when an installation of the same identity is not what such variables ask for.
    named_by
        Those variables in ``content`` whose values are its tags, and the end of its folder's name.
    """

    fill: Fill
    content: Mapping[str, str]
    means: Collection[str]
    check: Check = _suits
    named_by: tuple[str, ...] = ()

    def __call__(self, package: Package, staging: Path) -> Used:
        """Fill ``staging`` with the package."""
        heard = {*self.content, *self.means}
        options = {name: value for name, value in package.options.items() if name in heard}
        return self.fill(replace(package, options=options), staging)

    def refuse_other_sources(self, package: Package) -> None:
        """Raise a UsageError for a variable that names another source, where nothing comes from one."""
        for name in SOURCES:
            if package.options.get(name, "").strip() and name not in {*self.content, *self.means}:
                raise UsageError(
                    f"This package has nothing that {name} could replace",
                    where=package.alias,
                    got=f"{name}={package.options[name]}",
                    advice="give it to the package that downloads, of which this one is made",
                )

    def own_options(self, package: Package) -> dict[str, str]:
        """Return the variables of this install that make its content another than the entry's own.

        The secrets of an address are no part of them.
        """
        given = {name: public_value(package.options.get(name, "").strip()) for name in self.content}
        return {name: value for name, value in given.items() if value not in ("", self.content[name])}

    def own_names(self, package: Package) -> list[str]:
        """Return the names that this install's variables give it; empty where tags of its options do."""
        given = self.own_options(package)
        return [given[name] for name in self.named_by if name in given]

    def identity(self, package: Package) -> Identity:
        """Return what tells this installation from others of the same entry."""
        variation = ",".join(package.variations)
        return Identity(package.alias, package.uid, package.version, variation, self.own_options(package))


def is_outdated(section: Mapping[str, Any], there: Provenance) -> bool:
    """Whether an installation was made before its recipe was mended.

    Parameters
    ----------
    section
        The recipe's part of the entry: its ``revision`` is the mended recipe's, 1 where it says none.
    """
    return int(there.extra.get(REVISION, 1)) < int(section.get(REVISION, 1))


def recipe(
    *,
    content: Mapping[str, str] | None = None,
    means: Collection[str] = (),
    check: Check = _suits,
    named_by: tuple[str, ...] = (),
) -> Callable[[Fill], Recipe]:
    """Make a function a recipe; the arguments are those of :class:`Recipe`."""
    return lambda fill: Recipe(fill, dict(content or {}), frozenset(means), check, named_by)


def install(package: Package, target: Path, recipe: Recipe) -> Outcome:
    """Make ``target`` a whole installation of the package, unless it is one already.

    Raises
    ------
    CkssdError
        The install failed, or what is there is not what was asked for; the folder is as it was before.
    """
    identity = recipe.identity(package)

    def fill(staging: Path) -> Provenance:
        step(f"Installing {identity.describe()} to {target}")
        used = recipe(package, staging)
        return Provenance(
            entry=identity,
            sources=tuple(used.sources),
            tools={"ckssd": ckssd.__version__, **used.tools},
            patches=tuple(used.patches),
            environment=tuple(used.environment),
            extra={
                **used.extra,
                **({REVISION: package.section[REVISION]} if REVISION in package.section else {}),
                "dependencies": {name: d.uid for name, d in package.dependencies.items()},
                "ck_home": package.home,
            },
        )

    there = installed(target, identity)
    outdated = there is not None and is_outdated(package.section, there)
    if outdated:
        step(f"What is in {target} was made before its recipe was mended: it is made again")
    outcome = ensure(target, identity, fill, replace=outdated or package.wants("CK_REINSTALL"))
    if not outcome.fresh:
        recipe.check(package, outcome.provenance)
        others = ", ".join(_changed_dependencies(package, outcome.provenance))
        note = f", made with another {others} than is chosen now" if others else ""
        say(f"Already installed and whole: {target}{note} (--env.CK_REINSTALL=yes installs it again)")
    return outcome


def _changed_dependencies(package: Package, there: Provenance) -> list[str]:
    made_with = there.extra.get("dependencies", {})
    return [name for name, one in package.dependencies.items() if made_with.get(name, one.uid) != one.uid]
