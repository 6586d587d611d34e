"""What a whole process took: seconds, those of a processor, peak memory, and what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.context import INSIDE
from ckssd.errors import RunError


@dataclass(frozen=True)
class Ended:
    """A process that has ended well; ``out``: its standard output."""

    seconds: float
    processor_s: float
    peak_bytes: int
    out: str


def run_to_end(*command: object, variables: Mapping[str, str] | None = None) -> Ended:
    """Run a command with these variables beside those of this process.

    Raises
    ------
    RunError
        It ended with another code than 0.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        helper = subprocess.run(
            [sys.executable, "-S", str(INSIDE / "ended.py"), str(output), *words],
            env={**os.environ, **(variables or {})},
            stdout=subprocess.PIPE,
            check=True,
        )
        found = json.loads(helper.stdout)
        if found.pop("code"):
            raise RunError("A command that is measured failed", got=" ".join(words[:4]))
        return Ended(**found, out=output.read_text(encoding="utf-8", errors="replace"))
