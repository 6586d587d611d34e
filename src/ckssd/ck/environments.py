"""CK's registered environments (``env`` entries) as plain data: what is installed, and what it gives."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.kernel import access, local_repository
from ckssd.errors import NotInstalledError

LOCAL_TAGS = ("host-os-", "target-os-")
# CK makes an entry's folder and writes its meta data milliseconds later.
ABANDONED_AFTER_S = 60.0


@dataclass(frozen=True)
class Environment:
    """One registered environment.

    ``location`` is the installed folder, ``None`` for a preset; ``variables`` are what it exports. CK's menus
    begin with the highest ``sort``. ``dependencies``: UIDs of the environments that it was made with.
    """

    uid: str
    name: str
    version: str
    tags: tuple[str, ...]
    location: Path | None
    package_uid: str
    variables: dict[str, str]
    sort: int = 0
    dependencies: tuple[str, ...] = ()


def environments(tags: str = "") -> list[Environment]:
    """Return the registered environments with all of the comma-separated tags, sorted by name and version."""
    found = access(
        {"action": "search", "module_uoa": "env", "tags": tags, "add_meta": "yes", "add_info": "yes"}
    )
    return sorted((_environment(entry) for entry in found["lst"]), key=lambda e: (e.name, e.version, e.uid))


def _environment(entry: dict[str, Any]) -> Environment:
    meta = entry["meta"]
    customize = meta.get("customize", {})
    location = meta.get("install_location") or customize.get("path_install")
    return Environment(
        uid=entry["data_uid"],
        name=entry.get("info", {}).get("data_name", entry["data_uoa"]),
        version=customize.get("version", ""),
        tags=tuple(meta.get("tags", [])),
        location=Path(location) if location else None,
        package_uid=customize.get("used_package_uid", ""),
        variables={name: str(value) for name, value in meta.get("env", {}).items()},
        sort=int(customize.get("sort", 0)),
        dependencies=tuple(sorted(one["uoa"] for one in meta.get("deps", {}).values() if one.get("uoa"))),
    )


def remove_entry(environment: Environment) -> None:
    """Remove an environment's entry; its folder stays."""
    access({"action": "rm", "module_uoa": "env", "data_uoa": environment.uid, "force": "yes"})


def remove_outdated() -> list[Environment]:
    """Remove the entries of packages that were made with an environment that is gone; return them.

    CK calls them outdated and asks, even with ``--quiet``, whether to remove them. Their folders stay: the
    next install finds them whole and registers them again.
    """
    removed: list[Environment] = []
    while True:  # what was made with an outdated one is outdated, too
        found = environments()
        # By their folders: another process may be writing the entry of one anew at this moment.
        folders = (folder.name for folder in (local_repository() / "env").glob("*"))
        known = {*folders, *(environment.uid for environment in found)}
        outdated = [e for e in found if e.package_uid and not known.issuperset(e.dependencies)]
        if not outdated:
            return removed
        for environment in outdated:
            remove_entry(environment)
        removed += outdated


def find_by_location(location: Path) -> str | None:
    """Return the UID of the environment that was installed in this folder, if there is one."""
    for environment in environments():
        if environment.location == location:
            return environment.uid
    return None


def remove_half_made() -> list[Path]:
    """Remove entries without meta data, left when CK was killed while it registered one; return them."""
    removed = []
    for names in (local_repository() / "env").glob("*/.cm"):
        # Another process may be making this one right now, or removing it.
        with contextlib.suppress(FileNotFoundError):
            abandoned = time.time() - names.stat().st_mtime > ABANDONED_AFTER_S
            if abandoned and not (names / "meta.json").exists():
                shutil.rmtree(names.parent)
                removed.append(names.parent)
    return removed


def the_environment(tags: str, option: str = "--tags") -> Environment:
    """Return the one environment with these tags; ``option``: what chooses it on the command line.

    Raises
    ------
    NotInstalledError
        There is none, or several; the message lists them and what tells them apart.
    """
    found = environments(tags)
    if not found:
        raise NotInstalledError(
            "Nothing with these tags is installed",
            where=tags,
            advice=f"install it: ckssd install --tags={tags}",
        )
    if len(found) > 1:
        choices = "; ".join(
            f"{e.name} {e.version} ({e.uid}; {option}={','.join(distinct_tags(e, found))})" for e in found
        )
        raise NotInstalledError(
            "Several environments have these tags",
            where=tags,
            got=choices,
            advice=f"name one, such as {option}={','.join(distinct_tags(found[0], found))}",
        )
    return found[0]


def distinct_tags(one: Environment, others: list[Environment]) -> list[str]:
    """Return the tags of one environment that not all of the others have too, without CK's own."""
    common = set.intersection(*(set(other.tags) for other in others))
    return [tag for tag in one.tags if tag not in common and not tag.startswith(LOCAL_TAGS)]
