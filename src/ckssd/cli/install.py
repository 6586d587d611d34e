"""Install a package of this repository and what it depends on.

    ckssd install --tags=lib,litert
    ckssd install --tags=model,tflite,ssd-mobilenet,shapes

The same as `ck install package --tags=…`, but it never asks: several matches are an error that lists them.
"""

from __future__ import annotations

import argparse

from ckssd.ck.installer import install_package
from ckssd.cli.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--tags", required=True, help="comma-separated; all of them must fit one package")
    parser.add_argument(
        "--reinstall", action="store_true", help="make it anew although it is there and whole"
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
    environment = install_package(
        options.tags,
        options=pairs(options.env, "--env"),
        dependency_tags=pairs(options.dep_add_tags, "--dep_add_tags"),
        reinstall=options.reinstall,
    )
    text = f"Installed: {environment.name} {environment.version} in {environment.location}"
    return Result(
        text, {"uid": environment.uid, "location": str(environment.location), "version": environment.version}
    )


def pairs(texts: list[str], flag: str) -> dict[str, str]:
    """Split ``NAME=VALUE`` arguments.

    Raises
    ------
    UsageError
        One has no name or no equals sign.
    """
    from ckssd.errors import UsageError

    result = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError("An argument is not a pair", where=flag, expected="NAME=VALUE", got=text)
        result[name] = value
    return result
