"""Print what is installed: versions, sizes and the variables each thing gives."""

from __future__ import annotations

import argparse

from ckssd.ck.inventory import describe, inventory
from ckssd.cli.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--tags", default="", help="only what has all of these comma-separated tags")


def run(options: argparse.Namespace) -> Result:
    """List the registered environments."""
    items = inventory(options.tags)
    return Result(describe(items), {"installed": [item.as_dict() for item in items]})
