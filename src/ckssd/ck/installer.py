"""Installs packages through CK without asking a question: several matches are an error that lists them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.environments import Environment, environments, remove_outdated
from ckssd.ck.home import REPOSITORY
from ckssd.ck.kernel import access
from ckssd.errors import NotInstalledError
from ckssd.report import say

MOST_NEAR = 5  # packages named where none fits


@dataclass(frozen=True)
class PackageEntry:
    """A package that can be installed: its names, version, tags, variations, and the entry itself."""

    alias: str
    uid: str
    version: str
    tags: tuple[str, ...]
    variations: tuple[str, ...]
    folder: Path
    meta: dict[str, Any]


def package_entries(tags: str = "") -> list[PackageEntry]:
    """Return the packages whose tags and variations include all of the comma-separated tags."""
    wanted = {tag.strip() for tag in tags.split(",") if tag.strip()}
    found = access(
        {
            "action": "search",
            "module_uoa": "package",
            "repo_uoa": REPOSITORY,
            "add_meta": "yes",
            "data_uoa": "*",
        }
    )
    entries = [_package_entry(entry) for entry in found["lst"] if "suggested_path" in entry["meta"]]
    fitting = [entry for entry in entries if wanted <= {*entry.tags, *entry.variations}]
    return sorted(fitting, key=lambda entry: entry.alias)


def _package_entry(entry: dict[str, Any]) -> PackageEntry:
    meta = entry["meta"]
    return PackageEntry(
        alias=entry["data_uoa"],
        uid=entry["data_uid"],
        version=meta.get("customize", {}).get("version", ""),
        tags=tuple(meta.get("tags", [])),
        variations=tuple(meta.get("variations", {})),
        folder=Path(entry["path"]),
        meta=meta,
    )


def the_package(tags: str) -> PackageEntry:
    """Return the one package with these tags.

    Raises
    ------
    NotInstalledError
        There is none, or several; the message lists them with the tags that tell them apart.
    """
    fitting = package_entries(tags)
    if not fitting:
        raise none_fits(tags, package_entries())
    if len(fitting) > 1:
        common = set.intersection(*(set(entry.tags) for entry in fitting))
        choices = "; ".join(
            f"{entry.alias} ({','.join(tag for tag in entry.tags if tag not in common)})" for entry in fitting
        )
        raise NotInstalledError(
            "Several packages have all of these tags",
            where=tags,
            got=choices,
            advice="add tags that only one of them has",
        )
    return fitting[0]


def none_fits(tags: str, entries: list[PackageEntry]) -> NotInstalledError:
    """The error for tags that no package has: which are strange, and the packages that have most of them."""
    by_entry = {entry.alias: {*entry.tags, *entry.variations} for entry in entries}
    known = sorted(set().union(*by_entry.values()))
    wanted = [tag.strip() for tag in tags.split(",") if tag.strip()]
    strange = [tag for tag in wanted if tag not in known]
    near = sorted(by_entry, key=lambda alias: (-len(by_entry[alias].intersection(wanted)), alias))
    meant = [found[0] for tag in strange if (found := difflib.get_close_matches(tag, known, 1))]
    return NotInstalledError(
        "No package has all of these tags",
        where=tags,
        expected=f"tags of one of: {', '.join(near[:MOST_NEAR])}, … ({len(near)} packages)",
        got=f"{', '.join(strange)}, which none has" if strange else None,
        advice=(f"did you mean {', '.join(meant)}? " if meant else "") + "ckssd sources lists all packages",
    )


def install_package(
    tags: str,
    *,
    options: dict[str, str] | None = None,
    dependency_tags: dict[str, str] | None = None,
    reinstall: bool = False,
) -> Environment:
    """Install the one package with these tags and return its environment.

    Parameters
    ----------
    options
        Variables of the install, as ``--env.NAME=VALUE`` gives them to CK.
    dependency_tags
        Name of a dependency to tags that choose it, as ``--dep_add_tags.NAME=TAGS``.

    Raises
    ------
    NotInstalledError
        No package or several have the tags.
    RunError
        CK or the install failed.
    """
    request: dict[str, Any] = {"tags": tags, "dep_add_tags": dict(dependency_tags or {})}
    return install_entry(the_package(tags), request, options=options, reinstall=reinstall)


def install_entry(
    package: PackageEntry,
    request: dict[str, Any],
    *,
    options: dict[str, str] | None = None,
    reinstall: bool = False,
) -> Environment:
    """Install one package entry.

    Parameters
    ----------
    request
        What else CK is told: ``tags`` (which choose variations), ``dep_add_tags``, ``preset_deps``.

    Raises
    ------
    RunError
        CK or the install failed.
    """
    for outdated in remove_outdated():
        say(f"Made with what is gone, so no longer registered: {outdated.name} {outdated.version}")
    answer = access(
        {
            "action": "install",
            "module_uoa": "package",
            "data_uoa": package.uid,
            "quiet": "yes",
            "out": "con",
            "env": {**(options or {}), **({"CK_REINSTALL": "yes"} if reinstall else {})},
            **request,
        }
    )
    (environment,) = (e for e in environments() if e.uid == answer["env_data_uid"])
    return environment
