"""Upkeep of what is installed: verify it, take it away, clean up what was left behind.

An installation is a folder with its provenance and an environment entry of CK that points to it. The entry
goes first and the folder second, so that at no moment there is an entry without its folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckssd.ck.environments import Environment, environments, remove_entry, remove_half_made
from ckssd.ck.home import ck_repositories, ck_tools
from ckssd.ck.installer import package_entries
from ckssd.errors import CkssdError, NotInstalledError, VerificationError
from ckssd.install import (
    Change,
    changes,
    clean_stale,
    installed,
    read_provenance,
    registration,
    uninstall,
)
from ckssd.install.transaction import WORK_FOLDER
from ckssd.report import step

SHOWN_CHANGES = 10


@dataclass(frozen=True)
class Verdict:
    """What verifying one environment showed.

    ``state`` is ``whole``, ``changed`` (see ``changes``), ``missing`` (the folder is gone) or ``unknown``
    (the folder was not installed by this project, so nothing is known of its content).
    """

    environment: Environment
    state: str
    changes: tuple[Change, ...] = ()
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with what this project installed."""
        return self.state in ("whole", "unknown")

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "uid": self.environment.uid,
            "name": self.environment.name,
            "version": self.environment.version,
            "location": str(self.environment.location),
            "state": self.state,
            "reason": self.reason,
            "changes": [{"path": change.path, "what": change.what} for change in self.changes],
        }

    def describe(self) -> str:
        """Return it as text for people, with the first changed files."""
        environment = self.environment
        lines = [f"{self.state + ':':<9}{environment.name} {environment.version}  {environment.location}"]
        if self.reason:
            lines.append(f"    {self.reason}")
        lines += [f"    {change.what}: {change.path}" for change in self.changes[:SHOWN_CHANGES]]
        if len(self.changes) > SHOWN_CHANGES:
            lines.append(f"    and {len(self.changes) - SHOWN_CHANGES} more (--json lists all)")
        return "\n".join(lines)


@dataclass
class Cleaned:
    """What :func:`clean` removed.

    ``stale``: staging folders and half-made entries; ``entries``: environments without their folder;
    ``folders``: whole installations without an entry.
    """

    stale: list[Path] = field(default_factory=list)
    entries: list[Environment] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "stale": [str(path) for path in self.stale],
            "entries": [{"uid": e.uid, "name": e.name, "location": str(e.location)} for e in self.entries],
            "folders": [str(path) for path in self.folders],
        }

    def describe(self) -> str:
        """Return it as text for people."""
        lines = [f"removed, left by a killed install: {path}" for path in self.stale]
        lines += [f"removed, entry without its folder: {e.name} {e.version} ({e.uid})" for e in self.entries]
        lines += [f"removed, folder without an entry: {path}" for path in self.folders]
        return "\n".join(lines or ["Nothing to clean."])


def verify(tags: str = "") -> list[Verdict]:
    """Hash again what is installed and has all of the tags.

    Raises
    ------
    NotInstalledError
        Nothing has these tags.
    """
    found = [environment for environment in environments(tags) if environment.location]
    if tags and not found:
        raise NotInstalledError("Nothing with these tags is installed", where=tags)
    verdicts = []
    for environment in found:
        step(f"Verifying {environment.name} {environment.version}")
        verdicts.append(_verify(environment))
    return verdicts


def describe(verdicts: list[Verdict]) -> str:
    """Return the verdicts as text for people."""
    return "\n".join(verdict.describe() for verdict in verdicts) or "Nothing is installed yet."


def fault(verdicts: list[Verdict]) -> VerificationError | None:
    """Return the error that the bad ones among the verdicts amount to."""
    bad = [str(verdict.environment.location) for verdict in verdicts if not verdict.good]
    if not bad:
        return None
    return VerificationError(
        "What is installed is not what was installed",
        where=", ".join(bad),
        advice="install it again: ckssd install --tags=… --reinstall",
    )


def _verify(environment: Environment) -> Verdict:
    location = environment.location
    if location is None or not location.exists():
        return Verdict(environment, "missing", reason="the folder is gone")
    try:
        provenance = read_provenance(location) if location.is_dir() else None
    except CkssdError as error:
        return Verdict(environment, "changed", reason=str(error))
    if provenance is None:
        if environment.package_uid in our_packages():
            return Verdict(environment, "changed", reason="provenance.json is gone")
        return Verdict(environment, "unknown", reason="found on this machine, not installed by ckssd")
    found = changes(location, provenance)
    return Verdict(environment, "changed" if found else "whole", found)


def our_packages() -> set[str]:
    """Return the UIDs of this repository's packages."""
    return {entry.uid for entry in package_entries()}


def dependents(environment: Environment) -> list[Environment]:
    """Return the environments that were installed with this one as a dependency."""
    others = []
    for other in environments():
        provenance = installed(other.location) if other.location else None
        if provenance and environment.uid in provenance.extra.get("dependencies", {}).values():
            others.append(other)
    return others


def remove(environment: Environment) -> None:
    """Take away an environment entry and, if it is one of our installations, its folder.

    Raises
    ------
    RunError
        CK refused.
    UsageError, EnvironmentSetupError
        The folder is no installation of this project, or cannot be removed.
    """
    location = environment.location
    if location is None or not environment.package_uid:
        remove_entry(environment)
        return
    with registration(location):
        remove_entry(environment)
        uninstall(location)


def clean() -> Cleaned:
    """Remove what killed installs and removed entries left: never anything that is in use or being made."""
    cleaned = Cleaned(stale=remove_half_made())
    all_environments = environments()
    ours = our_packages()
    for environment in all_environments:
        location = environment.location
        if location is not None and environment.package_uid in ours and not os.path.lexists(location):
            remove_entry(environment)
            cleaned.entries.append(environment)
    for parent in places(all_environments):
        cleaned.stale += clean_stale(parent)
        cleaned.folders += _remove_unregistered(parent)
    return cleaned


def places(found: list[Environment]) -> list[Path]:
    """Return the folders in which packages are installed: CK's own place and wherever else any is."""
    parents = {ck_tools(), *(e.location.parent.resolve() for e in found if e.location and e.package_uid)}
    return sorted(parent for parent in parents if (parent / WORK_FOLDER).is_dir())


def _remove_unregistered(parent: Path) -> list[Path]:
    """Remove this CK home's whole installations that no entry points to, unless one is being registered."""
    removed = []
    for work in sorted((parent / WORK_FOLDER).glob("*")):
        target = parent / work.name
        provenance = installed(target)
        if provenance is None or provenance.extra.get("ck_home") != str(ck_repositories()):
            continue
        with registration(target, wait=False) as held:
            if held and target not in _registered_locations() and uninstall(target):
                removed.append(target)
    return removed


def _registered_locations() -> set[Path]:
    return {e.location.resolve() for e in environments() if e.location}
