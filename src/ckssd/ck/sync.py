"""Locks what this CK home has installed, and makes another home the same, or says exactly what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.environments import Environment, environments
from ckssd.ck.installer import PackageEntry, install_entry, package_entries
from ckssd.ck.plan import Planned, find_installed, plan_entry
from ckssd.ck.upkeep import our_packages
from ckssd.ck.variations import active_variations, version_of
from ckssd.install import Provenance, find_pythons, installed
from ckssd.install.lockfile import Difference, LockedPackage, differences, in_order, locked
from ckssd.recipes import Package
from ckssd.report import step

SHOWN_DIFFERENCES = 10


@dataclass(frozen=True)
class Synced:
    """What became of one locked package.

    ``state`` is ``there`` (it was, and is the same), ``installed``, ``planned`` (a dry run), ``different``
    or ``unknown`` (this repository has no such package, or one that it needs).
    """

    package: LockedPackage
    state: str
    differences: tuple[Difference, ...] = ()
    plan: Planned | None = None

    @property
    def good(self) -> bool:
        """Whether it is as the lock says, or would be."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "name": self.package.name,
            "package": self.package.entry.alias,
            "version": self.package.entry.version,
            "variation": self.package.entry.variation,
            "options": dict(self.package.entry.options),
            "state": self.state,
            "differences": [asdict(difference) for difference in self.differences],
            "plan": self.plan.as_dict() if self.plan else None,
        }

    def describe(self) -> str:
        """Return it as text for people, with the first differences."""
        lines = [f"{self.state + ':':<11}{self.package.name}"]
        if self.plan:
            lines.append(f"    {self.plan.describe()}".replace("\n", "\n    "))
        lines += [f"    {difference.describe()}" for difference in self.differences[:SHOWN_DIFFERENCES]]
        if len(self.differences) > SHOWN_DIFFERENCES:
            more = len(self.differences) - SHOWN_DIFFERENCES
            lines.append(f"    and {more} more (--json lists all)")
        return "\n".join(lines)


@dataclass(frozen=True)
class Locked:
    """What a lock takes in, and the environments that it cannot: found on this machine, not installed."""

    packages: list[LockedPackage]
    left_out: list[Environment]


def lock_home(tags: str = "") -> Locked:
    """Return a lock of everything installed that has all of the tags, and of what that was made with."""
    ours, left_out = _provenances()
    wanted = {environment.uid for environment in environments(tags)} & ours.keys()
    queue = list(wanted)
    while queue:
        for uid in _dependencies(ours[queue.pop()][1]).values():
            if uid in ours and uid not in wanted:
                wanted.add(uid)
                queue.append(uid)
    names = {uid: ours[uid][0].name for uid in wanted}
    packages = []
    for uid in wanted:
        location, provenance = ours[uid]
        dependencies = {k: names[v] for k, v in _dependencies(provenance).items() if v in names}
        packages.append(locked(location.name, provenance, dependencies))
    return Locked(in_order(sorted(packages, key=lambda package: package.name), "this CK home"), left_out)


def _provenances() -> tuple[dict[str, tuple[Path, Provenance]], list[Environment]]:
    packages = our_packages()
    ours: dict[str, tuple[Path, Provenance]] = {}
    left_out = []
    for environment in environments():
        if environment.location is None:
            continue  # a preset, which the repository ships
        provenance = installed(environment.location)
        if provenance is not None and environment.package_uid in packages:
            ours[environment.uid] = (environment.location, provenance)
        else:
            left_out.append(environment)
    return ours, left_out


def _dependencies(provenance: Provenance) -> dict[str, str]:
    return dict(provenance.extra.get("dependencies", {}))


def sync_home(packages: list[LockedPackage], *, dry_run: bool, reinstall: bool = False) -> Iterator[Synced]:
    """Install what a lock names and this home lacks; compare what is there.

    Parameters
    ----------
    packages
        In order: dependencies first.
    dry_run
        Change nothing; say what would be downloaded.
    reinstall
        Install again what is there and differs.
    """
    known = {entry.uid: entry for entry in package_entries()}
    pythons = {python.version: str(python.path) for python in find_pythons()}
    ready: dict[str, str] = {}
    for package in packages:
        entry = known.get(package.entry.uid)
        fault = _fault(package, entry, ready, dry_run=dry_run)
        if fault is not None or entry is None:
            yield Synced(package, "unknown", (fault,) if fault else ())
            continue
        options = dict(package.entry.options)
        if package.python in pythons:
            options["CK_PYTHON"] = pythons[package.python]
        there = find_installed(_as_package(package, entry))
        if there is not None:
            ready[package.name] = there.uid
            found = _compare(package, there)
            if not found or not reinstall or dry_run:
                yield Synced(package, "different" if found else "there", tuple(found))
                continue
        if dry_run:
            ready[package.name] = ""
            yield Synced(package, "planned", plan=plan_entry(entry, package.entry.variation, options))
            continue
        step(f"Installing {package.name}")
        request = {"tags": package.entry.variation, "preset_deps": _preset(package, ready)}
        made = install_entry(entry, request, options=options, reinstall=there is not None)
        ready[package.name] = made.uid
        found = _compare(package, made)
        yield Synced(package, "different" if found else "installed", tuple(found))


def _fault(
    package: LockedPackage, entry: PackageEntry | None, ready: dict[str, str], *, dry_run: bool
) -> Difference | None:
    """What keeps a package from being installed at all."""
    if entry is None:
        return Difference("package", f"{package.entry.alias} ({package.entry.uid})", None)
    here = version_of(entry, active_variations(entry.meta, package.entry.variation, {}))
    if here != package.entry.version:
        return Difference("version of the package in this repository", package.entry.version, here)
    missing = [name for name in package.dependencies.values() if name not in ready]
    return Difference("dependency", missing[0], None) if missing else None


def _as_package(package: LockedPackage, entry: PackageEntry) -> Package:
    return Package(
        entry.alias,
        entry.uid,
        package.entry.version,
        entry.folder,
        entry.meta,
        options=package.entry.options,
        variations=tuple(filter(None, package.entry.variation.split(","))),
    )


def _preset(package: LockedPackage, ready: dict[str, str]) -> dict[str, str]:
    return {dependency: ready[name] for dependency, name in package.dependencies.items()}


def _compare(package: LockedPackage, environment: Environment) -> list[Difference]:
    provenance = installed(environment.location) if environment.location else None
    if provenance is None:
        return [Difference("provenance", "one", None)]
    return differences(package, provenance)
