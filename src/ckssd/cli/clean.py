"""Remove what killed installs and removed entries left behind.

    ckssd clean

Staging folders of dead processes, environment entries whose folder is gone, and installed folders whose
entry was removed (`ck rm env:…`). What is in use or just being installed is not touched.
"""

from __future__ import annotations

import argparse

from ckssd.ck.upkeep import clean
from ckssd.cli.result import Result


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""


def run(_: argparse.Namespace) -> Result:
    """Clean and say what went."""
    cleaned = clean()
    return Result(cleaned.describe(), cleaned.as_dict())
