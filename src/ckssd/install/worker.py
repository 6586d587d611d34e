"""Runs a part of this library in an installed environment: another interpreter, the same source.

A worker prints its progress on standard error, its result goes to a file, and a failure comes back as an
error of our family.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import ckssd
from ckssd.errors import CkssdError, RunError, error_from

SOURCE = Path(ckssd.__file__).resolve().parent.parent


def run_worker(python: Path, module: str, arguments: list[str]) -> tuple[Any, str]:
    """Run ``python -m module`` with ``--output`` and ``--error`` files added.

    Returns
    -------
    result
        The JSON content of the output file.
    text
        What the worker printed on standard output.

    Raises
    ------
    CkssdError
        What the worker raised, or RunError when it died without saying why.
    """
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        output, failure = Path(folder) / "output.json", Path(folder) / "error.json"
        done = subprocess.run(
            [str(python), "-m", module, *arguments, "--output", str(output), "--error", str(failure)],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise _error_of(failure, module, done.returncode)
        return json.loads(output.read_text(encoding="utf-8")), done.stdout


def _error_of(failure: Path, module: str, code: int) -> CkssdError:
    if failure.exists():
        return error_from(json.loads(failure.read_text(encoding="utf-8")))
    return RunError(
        "A worker process died", where=module, got=f"exit code {code}", advice="see its output above"
    )
