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

from ckssd.errors import CkssdError, RunError, error_from
from ckssd.own_files import source_folder
from ckssd.process import held

TIME_TO_CLEAN_UP_S = 10


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
        command = [str(python), "-m", module, *arguments, "--output", str(output), "--error", str(failure)]
        with held(lambda: _started(command, Path(folder)), _stop) as process:
            text, _ = process.communicate()
        if process.returncode != 0:
            raise _error_of(failure, module, process.returncode)
        return json.loads(output.read_text(encoding="utf-8")), text


def _started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """Start a worker, whose temporary files go with ``folder``.

    It does not hear Ctrl-C, which a terminal sends to both: this process alone answers, in one line.
    """
    environment = {**os.environ, "PYTHONPATH": str(source_folder()), "TMPDIR": str(folder)}
    # With it, as many containers have it, every start would compile the runtime's Python files again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a new process begins with this mask
    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
    except OSError as error:
        raise RunError("A worker's Python cannot be started", where=command[0], got=error.strerror) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(process: subprocess.Popen[str]) -> None:
    """Let the worker clean up, and end workers of its own; not for ever."""
    process.terminate()
    try:
        process.wait(TIME_TO_CLEAN_UP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _error_of(failure: Path, module: str, code: int) -> CkssdError:
    with contextlib.suppress(OSError, ValueError):  # it died before it had written why, or meanwhile
        return error_from(json.loads(failure.read_text(encoding="utf-8")))
    end = f"exit code {code}" if code > 0 else f"signal {-code}, {signal.strsignal(-code)}"
    return RunError(
        "A worker process died", where=module, expected="a result", got=end, advice="see its output above"
    )
