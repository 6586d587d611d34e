"""Checks the machine and the CK home for everything an install needs, and says what to do about each fault.

Nothing is changed. Each check gives findings of one of three states: ``ok``, ``warn`` (some packages will not
work, or slower) and ``fail`` (no install will work).
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet

from ckssd.ck.environments import environments
from ckssd.ck.home import PLAIN_PATH, REPOSITORY, ck_repositories, ck_tools
from ckssd.ck.installer import PackageEntry, package_entries
from ckssd.ck.kernel import access
from ckssd.errors import CkssdError, EnvironmentSetupError
from ckssd.fetch import Settings, SourceCache, link_or_copy
from ckssd.fetch.decide import mirror_locations
from ckssd.fetch.reach import Reach, reach
from ckssd.fetch.source import Source, how_to_accept
from ckssd.install import Python, find_pythons, find_uv, installed, run_uv, uv_version
from ckssd.install.machine import this_machine, what_is_missing
from ckssd.own_files import own_root
from ckssd.recipes import is_outdated, stated_sources

OK, WARN, FAIL = "ok", "warn", "fail"
CK_VERSION = "2.6.4"
GIGABYTE = 1e9
LITTLE_SPACE, TOO_LITTLE_SPACE = 5 * GIGABYTE, 1 * GIGABYTE
# Any small package that every index has; only its metadata are asked for.
PROBE_REQUIREMENT = "six==1.17.0"


@dataclass(frozen=True)
class Finding:
    """What one check saw; ``advice`` says what to do when ``state`` is not ``ok``."""

    check: str
    state: str
    detail: str
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return asdict(self)

    def describe(self) -> str:
        """Return it as one or two lines for people."""
        line = f"{self.state + ':':<6}{self.check}: {self.detail}"
        return f"{line}\n      {self.advice}" if self.advice else line


def examine() -> list[Finding]:
    """Run every check."""
    packages = package_entries()
    checks: list[Callable[[], Iterator[Finding]]] = [
        lambda: check_machine(packages),
        check_uv,
        lambda: check_pythons(packages, find_pythons()),
        check_places,
        check_ck,
        lambda: check_entries(packages),
        check_leftovers,
        lambda: check_revisions(packages),
        lambda: check_sources(packages),
    ]
    return [finding for check in checks for finding in check()]


def describe(findings: list[Finding]) -> str:
    """Return the findings as text for people, with their numbers."""
    states = Counter(finding.state for finding in findings)
    lines = [finding.describe() for finding in findings]
    lines.append(f"{states[OK]} ok, {states[WARN]} warnings, {states[FAIL]} failures")
    return "\n".join(lines)


def fault(findings: list[Finding]) -> EnvironmentSetupError | None:
    """Return the error that the failures among the findings amount to."""
    failed = [finding.check for finding in findings if finding.state == FAIL]
    if not failed:
        return None
    return EnvironmentSetupError(
        "Installs will not work here", where=", ".join(failed), advice="do what each line above says"
    )


def check_machine(packages: list[PackageEntry]) -> Iterator[Finding]:
    """The packages whose locked parts have no wheels for this machine; git for those that are commits."""
    yield Finding("machine", OK, f"{this_machine()}, {platform.platform()}")
    missing = {p.alias: reason for p in packages if (reason := _no_wheels(p))}
    for reason in sorted(set(missing.values())):
        names = ", ".join(alias for alias, each in missing.items() if each == reason)
        yield Finding("packages", WARN, f"not for this machine: {names}", reason)
    git = shutil.which("git")
    yield Finding("git", OK if git else WARN, git or "missing", "" if git else "install the package git")


def _no_wheels(package: PackageEntry) -> str | None:
    section = package.meta["ckssd"]
    return what_is_missing(section.get("machines"), section.get("glibc"))


def check_uv() -> Iterator[Finding]:
    """Uv runs, and its package index answers."""
    try:
        version = uv_version()
    except CkssdError as error:
        yield Finding("uv", FAIL, str(error), "run make setup again")
        return
    yield Finding("uv", OK, f"{version} ({find_uv()})")
    if Settings.from_environment().offline:
        yield Finding("package index", WARN, "not asked: CKSSD_OFFLINE is set", "what uv's cache has is used")
        return
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        request = ["pip", "install", "--dry-run", "--no-deps", "--target", folder, PROBE_REQUIREMENT]
        try:
            run_uv([*request, "--refresh"], quiet=True)
        except CkssdError as error:
            advice = "see uv's settings for proxies and indexes (UV_DEFAULT_INDEX, HTTPS_PROXY)"
            yield Finding("package index", WARN, error.got or str(error), advice)
        else:
            yield Finding("package index", OK, f"answers uv ({PROBE_REQUIREMENT})")


def check_pythons(packages: list[PackageEntry], found: tuple[Python, ...]) -> Iterator[Finding]:
    """Every package finds a Python that it runs on."""
    names = ", ".join(f"{python.version} ({python.source})" for python in found)
    yield Finding("Python", OK if found else FAIL, names or "none found")
    packages = [p for p in packages if "python" in p.meta["ckssd"] and not _no_wheels(p)]
    for requires in sorted({str(p.meta["ckssd"]["python"]) for p in packages}):
        fitting = SpecifierSet(requires)
        if any(fitting.contains(python.version) for python in found):
            continue
        needy = ", ".join(p.alias for p in packages if p.meta["ckssd"]["python"] == requires)
        wanted = f"Python {requires}"
        yield Finding(wanted, WARN, f"not found; needed by {needy}", f"uv python install '{requires}'")


def check_places() -> Iterator[Finding]:
    """The cache and the folder of installed packages can be written, have room, and share a file system."""
    cache, tools = Settings.from_environment().cache, ck_tools()
    usable = True
    for name, place in (("download cache", cache), ("installed packages", tools)):
        existing = next(folder for folder in (place, *place.parents) if folder.is_dir())
        if not os.access(existing, os.W_OK):
            usable = False
            advice = "set CKSSD_CACHE" if place == cache else "set CK_TOOLS"
            yield Finding(name, FAIL, f"{place} cannot be written", advice)
            continue
        free = shutil.disk_usage(existing).free
        state = OK if free >= LITTLE_SPACE else WARN if free >= TOO_LITTLE_SPACE else FAIL
        advice = "" if state == OK else "TensorFlow takes 2 GB, COCO val2017 2 GB; free some space"
        yield Finding(name, state, f"{place}, {free / GIGABYTE:.1f} GB free", advice)
    if usable:
        yield _check_links(cache, tools)


def _check_links(cache: Path, tools: Path) -> Finding:
    """Try a hard link from one folder to the other, as an install does."""
    with contextlib.ExitStack() as stack:
        for place in (cache, tools):
            place.mkdir(parents=True, exist_ok=True)
        source = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".doctor-", dir=cache))) / "file"
        target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".doctor-", dir=tools))) / "file"
        source.write_bytes(b"x")
        link_or_copy(source, target)
        if source.stat().st_ino == target.stat().st_ino:
            return Finding("hard links", OK, "from the cache to installed packages")
    advice = "put both on one file system (CKSSD_CACHE, CK_TOOLS) to store files once"
    return Finding("hard links", WARN, "not possible: downloaded files are copied", advice)


def check_ck() -> Iterator[Finding]:
    """The CK that runs is the release we know, has this repository, and lives in a path that it can use."""
    import ck.kernel

    version = str(ck.kernel.__version__)
    advice = "" if version == CK_VERSION else f"python3 -m pip install ck=={CK_VERSION}"
    yield Finding("ck", WARN if advice else OK, version, advice)
    for variable, place in (("CK_REPOS", ck_repositories()), ("CK_TOOLS", ck_tools())):
        stated = Path(os.environ.get(variable) or place)
        used = place if variable == "CK_REPOS" else stated  # CK itself follows links to its repositories
        if PLAIN_PATH.fullmatch(str(used)):
            yield Finding(variable, OK, str(used))
            continue
        advice = "CK writes it unquoted into shell scripts: choose a path without spaces and quotes"
        yield Finding(variable, FAIL, str(used), f"{advice}, or use `. ./activate` of the checkout")
    here = own_root()
    registered = Path(access({"action": "where", "module_uoa": "repo", "data_uoa": REPOSITORY})["path"])
    if registered.resolve() == here.resolve():
        yield Finding("repository", OK, f"{REPOSITORY} in {registered}")
    else:
        advice = f"ck rm repo:{REPOSITORY} --force, then ck add repo --import=yes --path={here} --quiet"
        yield Finding("repository", WARN, f"{registered} is registered, {here} runs", advice)


def check_entries(packages: list[PackageEntry]) -> Iterator[Finding]:
    """CK finds the platform, and no other repository has entries with the UIDs of ours."""
    system = "macos-64" if platform.system() == "Darwin" else "linux-64"
    found = access({"action": "search", "module_uoa": "os", "data_uoa": system})["lst"]
    if not found:
        yield Finding("platform", FAIL, f"os:{system} was not found", "register this repository again")
    everything = access({"action": "search", "module_uoa": "package"})["lst"]
    homes = Counter(entry["data_uid"] for entry in everything)
    twice = [package.alias for package in packages if homes[package.uid] > 1]
    if twice:
        advice = "CK's menus list both: remove the other repository (ck ls repo)"
        yield Finding("entries", WARN, f"in another repository, too: {', '.join(twice)}", advice)
    else:
        yield Finding("entries", OK, f"{len(packages)} packages, none in another repository, too")


def check_leftovers() -> Iterator[Finding]:
    """Every environment entry has its folder."""
    gone = [e for e in environments() if e.location is not None and not e.location.exists()]
    if gone:
        names = ", ".join(f"{e.name} {e.version} ({e.location})" for e in gone)
        yield Finding("environments", WARN, f"without their folder: {names}", "ckssd clean")
    else:
        yield Finding("environments", OK, "each has its folder (ckssd verify reads them, too)")


def check_revisions(packages: list[PackageEntry]) -> Iterator[Finding]:
    """Nothing installed was made before its recipe was mended."""
    of_entries = {package.uid: package for package in packages}
    for environment in environments():
        package = of_entries.get(environment.package_uid)
        provenance = installed(environment.location) if package and environment.location else None
        if package and provenance and is_outdated(package.meta["ckssd"], provenance):
            detail = f"{environment.location} was made before its recipe was mended"
            yield Finding(package.alias, WARN, detail, f"ckssd install --tags={','.join(package.tags)}")


def check_sources(packages: list[PackageEntry]) -> Iterator[Finding]:
    """Each download is in the cache, in the mirror, or can be reached and has the stated size."""
    settings = Settings.from_environment()
    cache = SourceCache(settings.cache)
    sources = {source for p in packages for _, source in stated_sources(p.meta["ckssd"], p.alias)}
    asked = {source: _addresses(source, settings.mirror) for source in sources}
    answers = reach([] if settings.offline else [url for urls in asked.values() for url in urls])
    for source in sorted(sources, key=lambda source: source.file_name):
        places = mirror_locations(source, settings.mirror)
        mirrored = [place for place in places if isinstance(place, Path) and place.is_file()]
        if cache.has(source):
            yield Finding(source.file_name, OK, "in the cache")
        elif mirrored:
            yield Finding(source.file_name, OK, f"in the mirror: {mirrored[0]}")
        elif settings.offline:
            yield Finding(source.file_name, WARN, "not in the cache, and CKSSD_OFFLINE is set", _how(source))
        elif source.purl and not asked[source]:
            yield Finding(
                source.file_name, OK, f"{source.purl}: its registry's client fetches it when wanted"
            )
        else:
            yield _reachable(source, [answers[url] for url in asked[source]])


def _addresses(source: Source, mirror: str | None) -> list[str]:
    """Where a file is asked for: the mirror first, if that is a server."""
    return [place for place in mirror_locations(source, mirror) if isinstance(place, str)] + [*source.urls]


def _reachable(source: Source, answers: list[Reach]) -> Finding:
    good = [a for a in answers if a.reachable and (source.size is None or a.size in (None, source.size))]
    if good:
        return Finding(source.file_name, OK, f"{urlsplit(good[0].url).hostname} has it")
    reasons = "; ".join(
        f"{urlsplit(a.url).hostname}: {a.reason or f'{a.size} bytes instead of {source.size}'}"
        for a in answers
    )
    return Finding(source.file_name, WARN, reasons, _how(source))


def _how(source: Source) -> str:
    if source.digest is None and source.file_name not in Settings.from_environment().accept_unverified:
        return f"no hash of it is published; {how_to_accept(source.file_name)}"
    algorithm, digest = source.digest or ("no", "hash")
    return f"put it into a folder named by CKSSD_MIRROR as {source.file_name} ({algorithm} {digest})"
