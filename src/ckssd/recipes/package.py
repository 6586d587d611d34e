"""A package entry with everything that decides its content, and what a recipe says that it used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, NotInstalledError
from ckssd.install import SourceRecord


@dataclass(frozen=True)
class Dependency:
    """An installed thing that a package is made with: its UID and the variables it gives."""

    uid: str
    variables: Mapping[str, str]

    def path(self, variable: str) -> Path:
        """Return the value of a variable that holds a path."""
        try:
            return Path(self.variables[variable])
        except KeyError:
            raise NotInstalledError(
                "A dependency does not give a variable that is needed",
                where=self.uid,
                expected=variable,
                advice="install that dependency again",
            ) from None


@dataclass(frozen=True)
class Package:
    """One package entry with everything that decides its content.

    Parameters
    ----------
    alias, uid, version
        The entry's names and the version it installs.
    folder
        The entry's folder, with the files it ships.
    meta
        The entry's ``meta.json``; ``ckssd`` in it is the recipe's part.
    options
        Variables of this install, such as ``CK_REINSTALL`` or ``CK_PYTHON``.
    dependencies
        Name in the entry's ``deps`` to what was chosen for it.
    variations
        Those of the entry's variations that this install has.
    home
        The CK home that asks for the install; recorded, because several may share a folder for installs.
    """

    alias: str
    uid: str
    version: str
    folder: Path
    meta: Mapping[str, Any]
    options: Mapping[str, str] = field(default_factory=dict)
    dependencies: Mapping[str, Dependency] = field(default_factory=dict)
    variations: tuple[str, ...] = ()
    home: str = ""

    @property
    def section(self) -> Mapping[str, Any]:
        """The recipe's part of the entry, changed by what its ``variations`` say of this install's."""
        try:
            section: Mapping[str, Any] = self.meta["ckssd"]
        except KeyError:
            raise InputError(
                "The package says not how it is made", where=self.alias, expected="a key ckssd in meta.json"
            ) from None
        for name in self.variations:
            section = {**section, **section.get("variations", {}).get(name, {})}
        return section

    def wants(self, option: str) -> bool:
        """Tell whether a variable of this install says yes."""
        return self.options.get(option, "").strip().lower() in {"yes", "on", "1", "true"}

    def dependency(self, name: str) -> Dependency:
        """Return what was chosen for one of the entry's ``deps``."""
        try:
            return self.dependencies[name]
        except KeyError:
            raise NotInstalledError(
                "A dependency of this package was not resolved", where=self.alias, expected=name
            ) from None


@dataclass
class Used:
    """What a recipe used to fill a folder; goes into ``provenance.json``."""

    sources: list[SourceRecord] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)
    patches: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
