"""Bring data sets in, out, and look at them, in the formats that annotation tools write.

    ckssd dataset import --format voc my-folder --name mine
    ckssd dataset show --tags mine
    ckssd dataset export --format yolo --tags mine out

An import is checked, copied and installed like any package: `ckssd verify`, `info` and `uninstall` know it,
and --dataset-tags=mine (`ck`: --dep_add_tags.dataset=mine) chooses it. docs/your-own-data.md has what of each
format is read.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from ckssd.cli.result import Result
from ckssd.formats.names import FORMATS

if TYPE_CHECKING:
    from ckssd.ck.datasets import Named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser("import", help="install a data set of your own")
    _add_common(action)
    action.add_argument("source", type=Path, metavar="SOURCE", help="its folder, or its file of annotations")
    action.add_argument("--format", required=True, choices=FORMATS, help="the annotations' format")
    action.add_argument("--name", required=True, help="its tag from now on: letters, digits and _.+-")
    _add_reading(action)
    action.add_argument(
        "--leave-out-missing", action="store_true", help="import the rest where pictures are missing"
    )
    action.add_argument(
        "--image-address",
        default="",
        metavar="ADDRESS",
        help="where its pictures are on a network, for runs over a cluster: https://HOST/…/, s3://BUCKET/…/",
    )
    action.add_argument("--reinstall", action="store_true", help="in place of an earlier import of that name")
    action = actions.add_parser("show", help="count what is in a data set, and say what is odd")
    _add_common(action)
    action.add_argument(
        "source", type=Path, nargs="?", metavar="SOURCE", help="not yet imported: see --format"
    )
    action.add_argument("--format", choices=FORMATS, help="the format of SOURCE")
    _add_reading(action)
    _add_installed(action)
    action.add_argument("--headers-only", action="store_true", help="do not read pictures to their ends")
    action = actions.add_parser("export", help="write a data set in a format, with its pictures")
    _add_common(action)
    action.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    action.add_argument("--format", required=True, choices=FORMATS, help="the format to write")
    _add_installed(action)


def _add_common(action: argparse.ArgumentParser) -> None:
    # After the action's name, too.
    action.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print the result as one JSON object"
    )


def _add_reading(action: argparse.ArgumentParser) -> None:
    action.add_argument("--split", default="", help="which one, of a source with several; all: all of them")
    action.add_argument(
        "--first-pixel",
        choices=("0", "1"),
        default="1",
        help="VOC: the number of the first pixel in corners (default: 1)",
    )


def _add_installed(action: argparse.ArgumentParser) -> None:
    action.add_argument("--tags", default="", help="tags of an installed data set")
    action.add_argument("--images", type=Path, metavar="DIR", help="the pictures of one in COCO's format")
    action.add_argument("--annotations", type=Path, metavar="FILE", help="and its instances")


def run(options: argparse.Namespace) -> Result:
    """Do one of the actions."""
    return {"import": _import, "show": _show, "export": _export}[options.action](options)


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
            image_address=options.image_address,
            reinstall=options.reinstall,
        )
    )
    return Result(imported.describe(), imported.as_dict())


def _show(options: argparse.Namespace) -> Result:
    from ckssd.ck.datasets import show

    named = _named(options, options.format, options.source, options.split, options.first_pixel)
    summary = show(dataclasses.replace(named, headers_only=options.headers_only))
    return Result(summary.describe(), summary.as_dict())


def _export(options: argparse.Namespace) -> Result:
    from ckssd.ck.datasets import export

    exported = export(_named(options), options.format, str(options.folder))
    return Result(exported.describe(), exported.as_dict())


def _named(
    options: argparse.Namespace,
    format_name: str | None = None,
    source: Path | None = None,
    split: str = "",
    first_pixel: str = "",
) -> Named:
    from ckssd.ck.datasets import Named

    return Named(
        source=str(source or ""),
        format=format_name or "",
        split=split,
        first_pixel=first_pixel,
        tags=options.tags,
        images=str(options.images or ""),
        annotations=str(options.annotations or ""),
    )
