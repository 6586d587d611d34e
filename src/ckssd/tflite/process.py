"""Runs a tool of an installed environment as a process: argument lists, a clean environment, clear errors."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ckssd.errors import EnvironmentSetupError, InputError, NotInstalledError, RunError
from ckssd.fetch.settings import default_cache_folder
from ckssd.process import reason_in, running
from ckssd.report import step
from ckssd.secrets import hide
from ckssd.tflite.odapi import lacks

_STEP_MARK = "ckssd-step: "
LOG = "logs/tensorflow.log"  # in the cache: of what failed last
MOST_LINES = 5000


def check_file(path: Path, what: str) -> Path:
    """Return `path` if it is a file, else raise `InputError`."""
    if not path.is_file():
        raise InputError(f"{what} is missing", where=path)
    return path


def research_directories(obj_det_dir: Path, python: Path) -> list[Path]:
    """The directories that must be on PYTHONPATH for an Object Detection API.

    Parameters
    ----------
    obj_det_dir
        The directory ``object_detection`` itself (``CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR``).
    python
        Interpreter of the environment with TensorFlow that it is to run in.

    Raises
    ------
    NotInstalledError
        If the exporter is not in it.
    EnvironmentSetupError
        If that environment lacks what the API imports.
    """
    for site_packages in (python.absolute().parent.parent / "lib").glob("python*/site-packages"):
        if missing := lacks(site_packages):
            raise EnvironmentSetupError(
                "The Object Detection API cannot run with this TensorFlow",
                where=python,
                expected=f"{missing} in its environment, as in that of lib,tensorflow,vcpu,v2.21",
                advice="export from a frozen graph, which needs no API: EXPORT_FROM=frozen-graph,"
                " or ckssd export --frozen_graph FILE",
            )
    if not (obj_det_dir / "export_tflite_ssd_graph.py").is_file():
        raise NotInstalledError(
            "this is no Object Detection API",
            where=obj_det_dir,
            expected="export_tflite_ssd_graph.py in it",
            advice="ck install package --tags=model,tensorflow,api",
        )
    research = obj_det_dir.absolute().parent
    slim = research / "slim"
    return [research, slim] if slim.is_dir() else [research]


def tool_environment(
    python: Path, path: Sequence[Path] = (), base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a process of `python`, an interpreter in an environment of its own.

    Parameters
    ----------
    python
        Its directory comes first on PATH (TensorFlow 1's converter calls ``toco_from_protos`` by name).
    path
        Becomes PYTHONPATH; the caller's own does not reach another Python version.
    base
        Instead of ``os.environ``.
    """
    environment = dict(os.environ if base is None else base)
    # With PYTHONDONTWRITEBYTECODE every start would compile TensorFlow's Python files again (10 s).
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"):
        environment.pop(name, None)
    environment["PATH"] = os.pathsep.join(
        [str(python.absolute().parent), environment.get("PATH", os.defpath)]
    )
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(str(entry) for entry in path)
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    environment["PYTHONUNBUFFERED"] = "1"
    environment["TF_USE_LEGACY_KERAS"] = "1"
    return environment


def run_tool(
    arguments: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    name: str,
    about: Path | None = None,
    on_step: Callable[[str], None] = step,
) -> None:
    """Run a process to its end; lines that name a step are shown, the rest is kept if it fails.

    Parameters
    ----------
    name, about
        For the error: what is run, and on which file.

    Raises
    ------
    NotInstalledError
        If the program does not exist.
    RunError
        If it ends with another code than 0; ``got`` is its own reason in one line, ``advice`` names the file
        that has all it printed.
    """
    command = [str(argument) for argument in arguments]

    def not_started(reason: str) -> NotInstalledError:
        return NotInstalledError("cannot start the interpreter", where=command[0], got=reason)

    printed: deque[str] = deque(maxlen=MOST_LINES)
    with running(command, environment, not_started=not_started) as process:
        for line in process.stdout or ():
            if line.startswith(_STEP_MARK):
                on_step(line[len(_STEP_MARK) :].strip())
            else:
                printed.append(line)
    if process.returncode != 0:
        raise _failure(name, about, process.returncode, printed)


def _failure(name: str, about: Path | None, code: int, printed: Sequence[str]) -> RunError:
    """Its reason comes first; the log, in which it is hard to find, is in a file."""
    end = f"exit code {code}" if code > 0 else f"signal {-code}, {signal.strsignal(-code)}"
    reason = reason_in(printed) if code > 0 else ""
    log = _kept(printed)
    return RunError(
        f"{name} failed", where=about, got=reason or end, advice=None if log is None else f"its log: {log}"
    )


def _kept(printed: Sequence[str]) -> Path | None:
    """The file that these lines are in; None if there are none, or nowhere to write."""
    log = default_cache_folder(os.environ) / LOG
    if printed:
        with contextlib.suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=log.parent, delete=False, encoding="utf-8") as part:
                part.writelines(map(hide, printed))
            return Path(part.name).replace(log)
    return None


def run_steps(python: Path, steps: Sequence[Mapping[str, Any]], path: Sequence[Path] = ()) -> dict[str, Any]:
    """Do steps of ``inside/tflite_steps.py`` in one process of `python`; return what it learned.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    steps
        See ``inside/tflite_steps.py``; ``say`` in each is the line that people see.
    path
        For PYTHONPATH: an Object Detection API, if a step exports.
    """
    script = resources.files("ckssd.tflite") / "inside" / "tflite_steps.py"
    with resources.as_file(script) as script_path, tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        job, result = Path(work) / "job.json", Path(work) / "result.json"
        job.write_text(json.dumps({"steps": list(steps), "result": str(result)}), encoding="ascii")
        run_tool(
            [python, script_path, job],
            tool_environment(python, path),
            name="TensorFlow's part of the work",
            about=_about(steps[0]),
        )
        learned: dict[str, Any] = json.loads(result.read_text(encoding="ascii"))
    return learned


def _about(step_: Mapping[str, Any]) -> Path | None:
    """The file that a step begins with."""
    name = next((step_[key] for key in ("graph", "checkpoint") if key in step_), None)
    return None if name is None else Path(name)
