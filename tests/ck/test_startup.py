"""What a command that finds everything installed must not wait for."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW_TO_IMPORT = {
    "PIL",
    "asyncio",
    "flatbuffers",
    "google",
    "networkx",
    "numpy",
    "requests",
    "tqdm",
    "urllib3",
}


@pytest.mark.parametrize("module", ["ckssd.ck.package", "ckssd.ck.soft"])
def test_cks_hooks_do_not_bring_what_only_the_work_itself_needs(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & SLOW_TO_IMPORT == set()
