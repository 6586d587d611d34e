"""Hash again what is installed and name every file that changed.

    ckssd verify
    ckssd verify --tags=lib,litert

Ends with exit code 5 when anything is not as it was installed. What this project did not install (a compiler
that CK found, a model of your own) is listed as unknown.
"""

from __future__ import annotations

import argparse

from ckssd.ck.upkeep import describe, fault, verify
from ckssd.cli.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--tags", default="", help="only what has all of these comma-separated tags")


def run(options: argparse.Namespace) -> Result:
    """Verify and report."""
    verdicts = verify(options.tags)
    data = {"installed": [verdict.as_dict() for verdict in verdicts]}
    return Result(describe(verdicts), data, fault(verdicts))
