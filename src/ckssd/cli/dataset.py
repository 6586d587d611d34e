"""Bring data sets in, out, and look at them, in the formats that annotation tools write.

    ckssd dataset import --format voc my-folder --name mine

An import is checked, copied and installed like any package: `ckssd verify`, `info` and `uninstall` know it,
and --dataset-tags=mine (`ck`: --dep_add_tags.dataset=mine) chooses it. docs/your-own-data.md has what of each
format is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ckssd.cli.result import Result
from ckssd.formats.names import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser("import", help="install a data set of your own")
    _add_format(action, required=True)
    action.add_argument("source", type=Path, metavar="SOURCE", help="its folder, or its file of annotations")
    action.add_argument("--name", required=True, help="its tag from now on: letters, digits and _.+-")
    _add_reading(action)
    action.add_argument(
        "--leave-out-missing", action="store_true", help="import the rest where pictures are missing"
    )
    action.add_argument("--reinstall", action="store_true", help="in place of an earlier import of that name")


def _add_format(action: argparse.ArgumentParser, *, required: bool) -> None:
    action.add_argument("--format", required=required, choices=FORMATS, help="the annotations' format")
    # After the action's name, too.
    action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _add_reading(action: argparse.ArgumentParser) -> None:
    action.add_argument("--split", default="", help="which one, of a source with several; all: all of them")
    action.add_argument(
        "--first-pixel",
        default="",
        metavar="0|1",
        help="VOC: the number of the first pixel in corners (default: 1)",
    )


def run(options: argparse.Namespace) -> Result:
    """Do one of the actions."""
    return {"import": _import}[options.action](options)


def _import(options: argparse.Namespace) -> Result:
    from ckssd.ck.datasets import Asked, import_data_set

    imported = import_data_set(
        Asked(
            format=options.format,
            source=str(options.source),
            name=options.name,
            split=options.split,
            first_pixel=options.first_pixel,
            leave_out_missing=options.leave_out_missing,
            reinstall=options.reinstall,
        )
    )
    return Result(imported.describe(), imported.as_dict())
