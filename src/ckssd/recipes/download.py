"""Packages that are published files: fetched verified, unpacked safely, laid out as the entry says.

``ckssd.sources`` lists the files. Each may say ``unpack`` (a folder in the installation, ``.`` for its top),
with ``strip`` (a leading folder of the archive to leave out; true: its only one) and ``only`` (the members
wanted), or ``place`` (a path for a plain file). ``ckssd.ship`` names files of the entry's own folder to put
beside them, ``ckssd.content`` what has to be there in the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.fetch import Settings, Source, fetch, link_or_copy, unpack
from ckssd.install import SourceRecord
from ckssd.recipes.package import Package, Used
from ckssd.report import step

LAYOUT_KEYS = frozenset({"unpack", "strip", "place", "only"})
OVERRIDES = ("PACKAGE_URL", "PACKAGE_SHA256")
UNSTATED_UNPACKED_SIZE = 4 << 30


def download(package: Package, staging: Path) -> Used:
    """Fetch every source of the package and lay it out in ``staging``."""
    records = []
    for layout, source in sources_of(package):
        fetched = fetch(source)
        records.append(SourceRecord.of(fetched))
        _lay_out(fetched.path, source, layout, staging)
    for name in package.section.get("ship", []):
        shutil.copyfile(package.folder / name, staging / Path(name).name)
    _check_content(package, staging)
    overridden = {name: package.options[name] for name in OVERRIDES if package.options.get(name)}
    return Used(sources=records, extra={"overridden": overridden} if overridden else {})


def sources_of(package: Package) -> list[tuple[Mapping[str, Any], Source]]:
    """Return the layout and the source of every file of a package.

    ``PACKAGE_URL`` and ``PACKAGE_SHA256`` in the package's options (separated by commas, in the entry's
    order) replace what it states.

    Raises
    ------
    UsageError
        An entry is malformed, or the options do not fit it.
    VerificationError
        A source has no hash and was not accepted by name.
    """
    accepted = Settings.from_environment().accept_unverified
    where = f"{package.alias}: ckssd.sources"
    stated = _override(package, package.section["sources"])
    pairs: list[tuple[Mapping[str, Any], Source]] = []
    for index, entry in enumerate(stated):
        meta = {key: value for key, value in entry.items() if key not in LAYOUT_KEYS}
        pairs.append((entry, Source.from_meta(meta, f"{where}[{index}]", accepted)))
    return pairs


def stated_sources(section: Mapping[str, Any], where: str) -> list[Source]:
    """Return all sources that an entry's ``ckssd`` section states, its variations' too, as they are.

    Raises
    ------
    UsageError
        An entry is malformed.
    """
    sections = [section, *section.get("variations", {}).values()]
    found = []
    for entry in (entry for part in sections for entry in part.get("sources", [])):
        meta = {key: value for key, value in entry.items() if key not in LAYOUT_KEYS}
        found.append(Source.from_meta(meta, f"{where}: ckssd.sources", accept={entry.get("file_name", "")}))
    return found


def _override(package: Package, stated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    urls, digests = (_listed(package.options.get(name, "")) for name in OVERRIDES)
    if not (urls or digests):
        return stated
    if not len(urls) == len(digests) == len(stated):
        names = ", ".join(entry["file_name"] for entry in stated)
        raise UsageError(
            "A package from elsewhere needs address and hash of each of its files",
            where=package.alias,
            expected=f"PACKAGE_URL and PACKAGE_SHA256, separated by commas, for {names}",
            got=f"{len(urls)} addresses, {len(digests)} hashes",
            advice="or put the published files into a folder and name it with CKSSD_MIRROR",
        )
    replaced = {"urls", "sha256", "md5", "size"}
    return [
        {
            **{key: value for key, value in entry.items() if key not in replaced},
            "urls": [url],
            "sha256": digest,
        }
        for entry, url, digest in zip(stated, urls, digests)
    ]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _lay_out(file: Path, source: Source, layout: Mapping[str, Any], staging: Path) -> None:
    if "unpack" not in layout:
        place = staging / layout.get("place", source.file_name)
        place.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(file, place)
        return
    step(f"Unpacking {source.file_name}")
    only = layout.get("only")
    destination = staging / layout["unpack"]
    unpack(
        file,
        destination,
        limit=source.unpacked_size or UNSTATED_UNPACKED_SIZE,
        wanted=None if only is None else lambda name: name in only,
    )
    if layout.get("strip"):
        _strip(destination, layout["strip"], source)


def _strip(destination: Path, leading: str | bool, source: Source) -> None:
    found = sorted(path.name for path in destination.iterdir())
    name = found[0] if leading is True and len(found) == 1 else str(leading)
    inner = destination / name
    if not inner.is_dir():
        raise InputError(
            "The archive has not the folder that it should",
            where=source.file_name,
            expected="one folder" if leading is True else leading,
            got=", ".join(found[:5]),
        )
    for path in sorted(inner.iterdir()):
        path.rename(destination / path.name)
    inner.rmdir()


def _check_content(package: Package, staging: Path) -> None:
    """A verified archive from elsewhere may still be another thing."""
    missing = [name for name in package.section.get("content", []) if not (staging / name).exists()]
    if missing:
        raise InputError(
            "The package lacks files that it should have", where=package.alias, expected=", ".join(missing)
        )
