"""A lock file: every installed package with version, variations, options and hashes, in one JSON file.

It is made of provenances, and says of each package what has to be equal elsewhere: the sources, the packages
of a Python environment, the Python, the patches and the files. Paths, times and tools that do not end up in
the content are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.install.identity import Identity, as_text, as_texts
from ckssd.install.provenance import Provenance

FORMAT = 1
FORMAT_KEY = "ckssd_lock"
RECORD = ".dist-info/RECORD"


@dataclass(frozen=True)
class LockedPackage:
    """One package as it is to be.

    Parameters
    ----------
    name
        The name of its folder; unique in a lock, and what ``dependencies`` refer to.
    entry
        Names, UID, version, variation, and the options that it was installed with.
    dependencies
        Name in the entry's ``deps`` to the name of a locked package.
    python
        Version of the Python that an environment is made of, ``None`` where there is none.
    sources
        File name to sha256.
    environment, patches
        As in the provenance.
    files
        Path to sha256; of an environment only the RECORDs, which have the digests of all files.
    """

    name: str
    entry: Identity
    dependencies: Mapping[str, str]
    python: str | None
    sources: Mapping[str, str]
    environment: tuple[str, ...]
    patches: tuple[str, ...]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the lock says: what, as locked, and as it is here (``None``: not there)."""

    what: str
    locked: str | None
    here: str | None

    def describe(self) -> str:
        """Return it as one line."""
        return f"{self.what}: locked {self.locked or 'nothing'}, here {self.here or 'nothing'}"


def locked(name: str, provenance: Provenance, dependencies: Mapping[str, str]) -> LockedPackage:
    """Return what a lock says of an installed package."""
    return LockedPackage(
        name=name,
        entry=provenance.entry,
        dependencies=dict(dependencies),
        python=provenance.tools.get("python") if provenance.environment else None,
        sources={source.file_name: source.sha256 for source in provenance.sources},
        environment=provenance.environment,
        patches=provenance.patches,
        files=_comparable(provenance),
    )


def differences(package: LockedPackage, provenance: Provenance) -> list[Difference]:
    """Compare an installation with what a lock says of it; empty when they are the same."""
    here = locked(package.name, provenance, package.dependencies)
    return list(_differences(package, here))


def write_lock(path: Path, packages: list[LockedPackage]) -> None:
    """Write a lock file in one step.

    Raises
    ------
    InputError
        It cannot be written there.
    """
    content = {FORMAT_KEY: FORMAT, "packages": [_as_json(package) for package in packages]}
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError("The lock file cannot be written", where=path, got=error.strerror) from error


def read_lock(path: Path) -> list[LockedPackage]:
    """Read a lock file; dependencies come before what needs them.

    Raises
    ------
    InputError
        It is missing, no lock of this format, or malformed; the message names the place.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("The lock file cannot be read", where=path, got=str(error)) from error
    if not isinstance(content, dict) or content.get(FORMAT_KEY) != FORMAT:
        raise InputError(
            "This is no lock file that this release knows",
            where=path,
            expected=f"a JSON object with {FORMAT_KEY}: {FORMAT}",
            advice="`ckssd lock FILE` writes one",
        )
    listed = content.get("packages")
    if not isinstance(listed, list):
        raise InputError("A lock file is malformed", where=f"{path}: packages", expected="a list")
    packages = [_package(item, f"{path}: packages[{index}]") for index, item in enumerate(listed)]
    return in_order(packages, path)


def in_order(packages: list[LockedPackage], where: object) -> list[LockedPackage]:
    """Sort packages so that each comes after those that it was made with.

    Raises
    ------
    InputError
        A name is used twice, a dependency is not there, or they need each other in a circle.
    """
    by_name = {package.name: package for package in packages}
    if len(by_name) != len(packages):
        raise InputError("A lock file names two packages alike", where=where)
    done: dict[str, LockedPackage] = {}
    waiting = dict(by_name)
    while waiting:
        ready = [p for p in waiting.values() if all(name in done for name in p.dependencies.values())]
        if not ready:
            first = next(iter(waiting.values()))
            raise InputError(
                "The dependencies of a lock file cannot be satisfied",
                where=where,
                expected="packages that are in it, without a circle",
                got=f"{first.name} needs {', '.join(first.dependencies.values())}",
            )
        for package in ready:
            done[package.name] = waiting.pop(package.name)
    return list(done.values())


def _comparable(provenance: Provenance) -> dict[str, str]:
    """Files that are equal on every machine: an environment's scripts and links name its base Python."""
    files = provenance.files
    if provenance.environment and "pyvenv.cfg" in files:
        return {path: digest for path, digest in files.items() if path.endswith(RECORD)}
    return dict(files)


def _differences(package: LockedPackage, here: LockedPackage) -> Iterator[Difference]:
    for key in ("version", "variation"):
        yield from _difference(key, getattr(package.entry, key), getattr(here.entry, key))
    yield from _in_mapping("option", package.entry.options, here.entry.options)
    yield from _difference("Python", package.python, here.python)
    yield from _in_mapping("source", package.sources, here.sources)
    yield from _in_mapping("package", _pins(package.environment), _pins(here.environment))
    if package.patches != here.patches:
        for patch in sorted(set(package.patches) ^ set(here.patches)):
            known = patch if patch in package.patches else None
            yield Difference("patch", known, None if known else patch)
    yield from _in_mapping("file", package.files, here.files)


def _difference(what: str, expected: str | None, got: str | None) -> Iterator[Difference]:
    if expected != got:
        yield Difference(what, expected, got)


def _in_mapping(what: str, expected: Mapping[str, str], got: Mapping[str, str]) -> Iterator[Difference]:
    for key in sorted(expected.keys() | got.keys()):
        yield from _difference(f"{what} {key}", expected.get(key), got.get(key))


def _pins(environment: tuple[str, ...]) -> dict[str, str]:
    return {name: version for name, _, version in (pin.partition("==") for pin in environment)}


def _as_json(package: LockedPackage) -> dict[str, Any]:
    content = asdict(package)
    content["options"] = content["entry"].pop("options")  # beside the entry, as this format always had them
    return content


def _package(item: Any, where: str) -> LockedPackage:
    try:
        return LockedPackage(
            name=as_text(item["name"]),
            entry=Identity.from_json(item["entry"], item["options"]),
            dependencies=as_texts(item["dependencies"]),
            python=None if item["python"] is None else as_text(item["python"]),
            sources=as_texts(item["sources"]),
            environment=tuple(as_text(pin) for pin in item["environment"]),
            patches=tuple(as_text(patch) for patch in item["patches"]),
            files=as_texts(item["files"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError("A lock file is malformed", where=where, got=repr(error)) from error
