"""Check the machine and the CK home for everything an install needs; say what to do about each fault.

    ckssd doctor

Python versions, uv and its index, disk space, CK's home, this repository in it, and whether each download can
be reached. Ends with exit code 7 when no install can work; warnings are about single packages.
"""

from __future__ import annotations

import argparse

from ckssd.ck.doctor import describe, examine, fault
from ckssd.cli.result import Result


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""


def run(_: argparse.Namespace) -> Result:
    """Examine and report."""
    findings = examine()
    data = {"findings": [finding.as_dict() for finding in findings]}
    return Result(describe(findings), data, fault(findings))
