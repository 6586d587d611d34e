"""Running uv: found once, argument lists only, its last lines kept for the error.

uv runs in the root folder, so that no pyproject.toml near the installation can change what it does.
"""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ckssd.errors import CkssdError, EnvironmentSetupError, NetworkError, RunError, VerificationError
from ckssd.fetch.settings import is_offline
from ckssd.process import LAST_LINES, in_one_line, running
from ckssd.report import say

# Any of these would make uv work on another interpreter or environment than the one it is given.
MISLEADING = (
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_PROJECT_ENVIRONMENT",
    "UV_WORKING_DIR",
    "UV_PROJECT",
)


def find_uv() -> Path:
    """The uv executable: that of the installed ``uv`` package, else the one on PATH.

    Raises
    ------
    EnvironmentSetupError
        There is none.
    """
    try:
        from uv import find_uv_bin  # a package of its own only where ckssd runs outside its environment

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        on_path = shutil.which("uv")
    if on_path is None:
        raise EnvironmentSetupError(
            "uv is missing, which makes the Python environments", advice="python -m pip install uv"
        )
    return Path(on_path).absolute()


def uv_version() -> str:
    """Version of the uv in use, such as ``0.13.8``."""
    return run_uv(["--version"], quiet=True).split()[1]


def run_uv(arguments: Sequence[str], *, quiet: bool = False, env: Mapping[str, str] | None = None) -> str:
    """Run uv; return its standard output.

    Parameters
    ----------
    arguments
        Without the executable. Paths must be absolute.
    quiet
        Do not show what uv tells on standard error.
    env
        Variables to add to the process's own.

    Raises
    ------
    VerificationError
        A package did not have the locked hash.
    RunError
        uv failed; ``got`` has its last lines.
    EnvironmentSetupError
        uv cannot be started, or the disk is full.
    """
    command = [str(find_uv()), *arguments, "--no-progress", "--color", "never"]
    if is_offline():
        command.append("--offline")
    last: collections.deque[str] = collections.deque(maxlen=LAST_LINES)

    def not_started(reason: str) -> EnvironmentSetupError:
        return EnvironmentSetupError("uv cannot be started", where=command[0], got=reason)

    with running(
        command, _environment(env or {}), not_started=not_started, cwd=Path("/"), errors_apart=True
    ) as process:
        output = _follow(process, last, quiet)
    if process.returncode != 0:
        raise _failure(arguments, process.returncode, last)
    return output


def _follow(process: subprocess.Popen[str], last: collections.deque[str], quiet: bool) -> str:
    """Pass on uv's messages as they come. Its output is short, so it waits in the pipe until the end."""
    for line in process.stderr or ():
        last.append(line.rstrip())
        if not quiet:
            say(f"    {line.rstrip()}")
    return process.stdout.read() if process.stdout is not None else ""


def _environment(added: Mapping[str, str]) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    return {**env, **added}


def _failure(arguments: Sequence[str], code: int, last: collections.deque[str]) -> CkssdError:
    text = in_one_line(last)
    what = f"uv {' '.join(arguments[:2])} failed"
    if "Hash mismatch for" in text:
        return VerificationError(
            "a package differs from its locked hash",
            where=what,
            got=text,
            advice="do not use this package index",
        )
    if "No space left on device" in text:
        return EnvironmentSetupError("the disk is full", where=what, got=text, advice="free some space")
    if is_offline():
        return NetworkError(
            "a Python package is needed and CKSSD_OFFLINE forbids to download it",
            where=what,
            expected="all locked packages in uv's cache",
            got=text,
            advice="unset CKSSD_OFFLINE once, with a network, or copy the cache of a machine with one",
        )
    return RunError(what, expected="exit status 0", got=f"exit status {code}: {text}")
