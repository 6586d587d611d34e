"""Runs a part of this library in an installed environment: another interpreter, the same source.

A worker prints its progress on standard error, its result goes to a file, and a failure comes back as an
error of our family.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
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
        What the worker raised, or RunError when it died without saying why, or never began.
    """
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        output, failure = Path(folder) / "output.json", Path(folder) / "error.json"
        try:
            done = subprocess.run(
                [str(python), "-m", module, *arguments, "--output", str(output), "--error", str(failure)],
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        except OSError as error:
            raise RunError("A worker's Python cannot be started", where=python, got=error.strerror) from error
        if done.returncode != 0:
            raise _error_of(failure, module, done.returncode)
        return json.loads(output.read_text(encoding="utf-8")), done.stdout


def _error_of(failure: Path, module: str, code: int) -> CkssdError:
    with contextlib.suppress(OSError, ValueError):  # it died before it had written why, or meanwhile
        return error_from(json.loads(failure.read_text(encoding="utf-8")))
    end = f"exit code {code}" if code > 0 else f"signal {-code}, {signal.strsignal(-code)}"
    return RunError(
        "A worker process died", where=module, expected="a result", got=end, advice="see its output above"
    )
