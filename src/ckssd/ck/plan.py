"""What an install would do: which packages, in which order, and what each would download.

CK resolves dependencies while it installs; the same rules are followed here on its entries, so that a dry
run changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckssd.ck.environments import Environment, environments
from ckssd.ck.installer import PackageEntry, package_entries, the_package
from ckssd.ck.variations import active_variations, version_of
from ckssd.errors import NotInstalledError
from ckssd.install import installed
from ckssd.install.identity import assignments
from ckssd.recipes import Download, Package, downloads_of, is_outdated, recipe_of, with_sizes


@dataclass(frozen=True)
class Planned:
    """One step: a package that is there already (``environment``), or what installing it downloads.

    ``options`` are those that make its content another than the entry's own.
    """

    package: str
    version: str
    variations: tuple[str, ...]
    environment: Environment | None
    downloads: tuple[Download, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "package": self.package,
            "version": self.version,
            "variations": list(self.variations),
            "options": dict(self.options),
            "installed": self.environment is not None,
            "location": str(self.environment.location) if self.environment else None,
            "downloads": [download.as_dict() for download in self.downloads],
        }

    def describe(self) -> str:
        """Return it as text for people."""
        variations = (f"[{variation}]" for variation in self.variations)
        name = " ".join([self.package, self.version, *variations, *assignments(self.options)])
        if self.environment is not None:
            return f"{name}: already installed in {self.environment.location}"
        if not self.downloads:
            return f"{name}: would be made here, nothing to download"
        lines = [f"{name}: would be installed"]
        return "\n".join([*lines, *(f"    {_describe(download)}" for download in self.downloads)])


def plan_install(
    tags: str, options: Mapping[str, str] | None = None, dependency_tags: Mapping[str, str] | None = None
) -> list[Planned]:
    """Return the steps of ``install_package`` with the same arguments, dependencies first.

    Raises
    ------
    NotInstalledError
        No package or several have the tags, or nothing fits a dependency.
    """
    steps: dict[str, Planned] = {}
    _plan(the_package(tags), tags, options or {}, dependency_tags or {}, steps)
    return list(steps.values())


def plan_entry(entry: PackageEntry, tags: str, options: Mapping[str, str]) -> Planned:
    """Return the one step for a package entry, whatever its dependencies are."""
    variations = active_variations(entry.meta, tags, options)
    version = version_of(entry, variations)
    package = Package(
        entry.alias, entry.uid, version, entry.folder, entry.meta, options, variations=variations
    )
    environment = None if package.wants("CK_REINSTALL") else find_installed(package)
    downloads = () if environment else tuple(with_sizes(downloads_of(package)))
    own = recipe_of(package).own_options(package)
    return Planned(entry.alias, version, variations, environment, downloads, own)


def find_installed(package: Package) -> Environment | None:
    """Return the environment in which exactly this package is whole, if there is one.

    Raises
    ------
    UsageError
        There is one, but not as the package's options ask for it.
    """
    recipe = recipe_of(package)
    identity = recipe.identity(package)
    for environment in environments():
        if environment.package_uid == package.uid and environment.location:
            provenance = installed(environment.location, identity)
            if provenance is not None and not is_outdated(package.section, provenance):
                recipe.check(package, provenance)
                return environment
    return None


def _plan(
    entry: PackageEntry,
    tags: str,
    options: Mapping[str, str],
    dependency_tags: Mapping[str, str],
    steps: dict[str, Planned],
) -> None:
    planned = plan_entry(entry, tags, options)
    if planned.environment is None:
        for name, dependency in entry.meta.get("deps", {}).items():
            more = dependency_tags.get(name)
            _plan_dependency(f"{dependency['tags']}{',' + more if more else ''}", name, steps)
    steps.setdefault(f"{planned.package} {planned.variations}", planned)


def _plan_dependency(tags: str, name: str, steps: dict[str, Planned]) -> None:
    there = environments(tags)
    if there:
        one = max(there, key=lambda e: (e.sort, _version_key(e.version)))
        steps.setdefault(one.uid, Planned(one.name, one.version, (), one, ()))
        return
    candidates = package_entries(tags)
    if not candidates:
        raise NotInstalledError("No package fits a dependency", where=name, expected=tags)
    # CK takes the first of its menu when it may not ask: by the highest `sort`, then the newest.
    best = max(candidates, key=lambda e: (int(e.meta.get("sort", 0)), _version_key(e.version)))
    _plan(best, tags, {}, {}, steps)


def _version_key(version: str) -> list[int]:
    return [int(part) if part.isdecimal() else 0 for part in version.split(".")]


def _describe(download: Download) -> str:
    size = "size unknown" if download.size is None else f"{download.size:,} bytes"
    state = ", in the cache" if download.cached else ""
    note = f" ({download.note})" if download.note else ""
    return f"{download.file_name}: {size}{state}{note}"


def total(steps: list[Planned]) -> tuple[int, int]:
    """Return the bytes to download as far as they are known, and the number of files of unknown size."""
    needed = [download for step in steps for download in step.downloads if not download.cached]
    return sum(d.size or 0 for d in needed), sum(1 for d in needed if d.size is None)
