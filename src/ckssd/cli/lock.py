"""Write one file that pins every installed package: version, variations, options, Python, every hash.

    ckssd lock ckssd-lock.json
    ckssd lock --tags=model,tflite,shapes tflite.json

`ckssd sync FILE` makes another machine the same. What CK only found on this machine (a compiler, a model of
your own) cannot be locked and is listed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ckssd.ck.sync import lock_home
from ckssd.cli.result import Result
from ckssd.errors import NotInstalledError
from ckssd.install.lockfile import write_lock

DEFAULT_FILE = Path("ckssd-lock.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=DEFAULT_FILE,
        metavar="FILE",
        help=f"what to write (default {DEFAULT_FILE})",
    )
    parser.add_argument(
        "--tags", default="", help="only what has all of these comma-separated tags, and what it needs"
    )


def run(options: argparse.Namespace) -> Result:
    """Write the lock."""
    found = lock_home(options.tags)
    if not found.packages:
        raise NotInstalledError(
            "Nothing to lock is installed", where=options.tags or None, advice="ckssd install --tags=…"
        )
    write_lock(options.file, found.packages)
    lines = [f"{package.name}: {len(package.files)} files" for package in found.packages]
    lines += [f"not locked, only found here: {e.name} {e.version} ({e.location})" for e in found.left_out]
    lines.append(f"{len(found.packages)} packages locked in {options.file}")
    data = {
        "file": str(options.file),
        "packages": [package.name for package in found.packages],
        "not_locked": [{"uid": e.uid, "name": e.name, "location": str(e.location)} for e in found.left_out],
    }
    return Result("\n".join(lines), data)
