"""Take away an installed package: its environment entry and its folder.

    ckssd uninstall --tags=lib,litert

Downloads stay in the cache (`ckssd cache prune`). What other packages were made with is refused without
--force, which removes their entries, too; installing them again registers their folders. After
`ck rm env:…`, which leaves the folder, `ckssd clean` does the rest.
"""

from __future__ import annotations

import argparse

from ckssd.ck.environments import remove_outdated, the_environment
from ckssd.ck.inventory import size_of
from ckssd.ck.upkeep import dependents, remove
from ckssd.cli.result import Result
from ckssd.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--tags", required=True, help="comma-separated; all must fit one installed thing")
    parser.add_argument("--force", action="store_true", help="even if others were made with it")


def run(options: argparse.Namespace) -> Result:
    """Remove one environment."""
    environment = the_environment(options.tags)
    others = dependents(environment)
    if others and not options.force:
        raise UsageError(
            "Others were made with it and may need it to run",
            where=f"{environment.name} {environment.version}",
            got=", ".join(f"{other.name} {other.version}" for other in others),
            advice="uninstall those first, or say --force",
        )
    size = size_of(environment.location)
    remove(environment)
    unregistered = remove_outdated()
    what = f"{environment.name} {environment.version} from {environment.location}"
    lines = [f"Uninstalled: {what} ({size / 1e6:.1f} MB)"]
    lines += [f"no longer registered, made with it: {e.name} {e.version}  {e.location}" for e in unregistered]
    data = {
        "uid": environment.uid,
        "name": environment.name,
        "location": environment.location and str(environment.location),
        "bytes": size,
        "unregistered": [e.uid for e in unregistered],
    }
    return Result("\n".join(lines), data)
