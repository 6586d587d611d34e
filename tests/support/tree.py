"""What git would have of this checkout, as its files stand: a clean clone without git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.sandbox import CHECKOUT


def copy_tracked(folder: Path) -> Path:
    """Copy every file that git has or would take, and nothing that was made here; return the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((CHECKOUT / name).read_bytes())
    return folder
