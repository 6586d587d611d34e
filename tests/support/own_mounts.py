"""Running a script where it may mount what it likes: a really full disk, a really read-only folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = ["unshare", "--mount", "--map-root-user"]
MOUNTS = """
import subprocess

def small_disk(folder, kib):
    options = ["-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    subprocess.run(["mount", *options], check=True)

def read_only(folder):
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
"""


def run_with_own_mounts(script: str, *arguments: Path | str) -> str:
    """Run Python code that may call ``small_disk`` and ``read_only``; return what it prints.

    The test is skipped where the system gives no user a mount namespace.
    """
    try:
        allowed = subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("this machine allows no mounts of one's own")
    command = [*UNSHARE, sys.executable, "-c", MOUNTS + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
