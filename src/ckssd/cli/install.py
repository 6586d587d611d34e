"""Install a package of this repository and what it depends on.

    ckssd install --tags=lib,litert
    ckssd install --tags=model,tflite,ssd-mobilenet,shapes
    ckssd install --tags=lib,tensorflow,v1.13.1,vcpu --dry-run

The same as `ck install package --tags=…`, but it never asks: several matches are an error that lists them.
"""

from __future__ import annotations

import argparse

from ckssd.ck.installer import install_package
from ckssd.ck.plan import Planned, plan_install, total
from ckssd.cli.pairs import pairs
from ckssd.cli.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--tags", required=True, help="comma-separated; all of them must fit one package")
    parser.add_argument(
        "--reinstall", action="store_true", help="make it anew although it is there and whole"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be installed and downloaded, with sizes"
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable of this install, such as CK_PYTHON",
    )
    parser.add_argument(
        "--dep_add_tags",
        action="append",
        default=[],
        metavar="NAME=TAGS",
        help="tags that choose a dependency, such as lib-tensorflow=v2.21.0",
    )


def run(options: argparse.Namespace) -> Result:
    """Install and return what was registered."""
    variables = pairs(options.env, "--env")
    dependency_tags = pairs(options.dep_add_tags, "--dep_add_tags")
    if options.dry_run:
        reinstall = {"CK_REINSTALL": "yes"} if options.reinstall else {}
        return planned(plan_install(options.tags, {**variables, **reinstall}, dependency_tags))
    environment = install_package(
        options.tags, options=variables, dependency_tags=dependency_tags, reinstall=options.reinstall
    )
    text = f"Installed: {environment.name} {environment.version} in {environment.location}"
    return Result(
        text, {"uid": environment.uid, "location": str(environment.location), "version": environment.version}
    )


def planned(steps: list[Planned]) -> Result:
    """Show the steps of a dry run and the sum of what is to be downloaded."""
    known, unknown = total(steps)
    summary = f"To download: {known:,} bytes" + (f" and {unknown} files of unknown size" if unknown else "")
    lines = [*(step.describe() for step in steps), summary + ". Nothing was changed."]
    data = {"steps": [step.as_dict() for step in steps], "bytes": known, "files_of_unknown_size": unknown}
    return Result("\n".join(lines), data)
