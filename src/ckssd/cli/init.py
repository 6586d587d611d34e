"""Register this CK repository with your own CK home, for use without a checkout.

After `uv tool install`, `pipx install` or `pip install`, this lays out the CK repository that the wheel
has with it and adds it to the CK home that CK_REPOS and CK_TOOLS name (default: ~/CK and ~/CK-TOOLS).
Then ckssd and ck find the packages and programs. Doing it again is harmless; after an upgrade it is needed.

    ckssd init
    ckssd install --tags=lib,litert
"""

from __future__ import annotations

import argparse

from ckssd.ck.home import own_home, register
from ckssd.cli.result import Result
from ckssd.own_files import is_checkout, own_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own: CK_REPOS and CK_TOOLS name the home."""


def run(_: argparse.Namespace) -> Result:
    """Register, and say where things are and what comes next."""
    root = own_root()
    home = own_home(root)
    register(root, home)
    lines = [
        f"Repository: {root}{' (this checkout)' if is_checkout() else ''}",
        f"CK home: {home.repos}; packages are installed in {home.tools}",
        "Next: ckssd install --tags=model,tflite,ssd-mobilenet,shapes, or ckssd demo to see it all",
    ]
    data = {"repository": str(root), "repos": str(home.repos), "tools": str(home.tools)}
    return Result("\n".join(lines), data)
