"""Install exactly what a lock file names, or say what differs.

    ckssd sync ckssd-lock.json --dry-run
    ckssd sync ckssd-lock.json

What is there and the same is left alone. Afterwards every package is compared with the lock: sources, Python
packages, Python, patches, files. Ends with exit code 5 when anything differs, and names it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ckssd.ck.plan import total
from ckssd.ck.sync import Synced, sync_home
from ckssd.cli.result import Result
from ckssd.errors import VerificationError
from ckssd.install.lockfile import read_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what `ckssd lock` wrote")
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be installed and downloaded, with sizes"
    )
    parser.add_argument("--reinstall", action="store_true", help="install again what is there and differs")


def run(options: argparse.Namespace) -> Result:
    """Synchronise and compare."""
    packages = read_lock(options.file)
    done = list(sync_home(packages, dry_run=options.dry_run, reinstall=options.reinstall))
    lines = [item.describe() for item in done]
    data: dict[str, Any] = {"file": str(options.file), "packages": [item.as_dict() for item in done]}
    if options.dry_run:
        known, unknown = total([item.plan for item in done if item.plan])
        data |= {"bytes": known, "files_of_unknown_size": unknown}
        more = f" and {unknown} files of unknown size" if unknown else ""
        lines.append(f"To download: {known:,} bytes{more}. Nothing was changed.")
    bad = [item for item in done if not item.good]
    if not bad:
        lines.append(f"{len(done)} packages are as {options.file} says" if not options.dry_run else "")
    return Result("\n".join(filter(None, lines)), data, _error(options.file, bad))


def _error(file: Path, bad: list[Synced]) -> VerificationError | None:
    if not bad:
        return None
    return VerificationError(
        "What is here is not what the lock file says",
        where=file,
        got=", ".join(item.package.name for item in bad),
        advice="the lines above say what differs; --reinstall installs what differs again",
    )
