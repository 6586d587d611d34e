"""TensorFlow built from its source with Bazel: fetched at a commit, configured without questions, one wheel.

The installation is the same environment as that of the published wheel, with the source in ``src``, in which
``bazel run`` works. Bazel's own output is not kept: it holds absolute paths, and the folder moves.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ckssd.errors import CkssdError, EnvironmentSetupError, InputError, RunError
from ckssd.fetch.git import MISLEADING as MISLEADING_GIT
from ckssd.fetch.git import GitSource, clone_commit
from ckssd.fetch.settings import is_offline
from ckssd.install import Environment, lock_of, run_uv, uv_version
from ckssd.install.folders import remove_tree
from ckssd.install.transaction import work_folder
from ckssd.install.uv import MISLEADING as MISLEADING_PYTHON
from ckssd.process import LAST_LINES, in_one_line, running
from ckssd.recipes.environments import (
    NAMED_PYTHON,
    make_environment,
    refuse_another_machine,
    refuse_another_python,
)
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import say, step

WHEEL_TARGET = "//tensorflow/tools/pip_package:build_pip_package"
WHEEL_SCRIPT = "bazel-bin/tensorflow/tools/pip_package/build_pip_package"
CONFIGURED = ".tf_configure.bazelrc"
# All that configure.py of TensorFlow 1.11 to 1.15 asks, answered; a variable it does not know does no harm.
NOT_WANTED = (
    "TF_CUDA_CLANG",
    "TF_DOWNLOAD_CLANG",
    "TF_ENABLE_XLA",
    "TF_NEED_AWS",
    "TF_NEED_COMPUTECPP",
    "TF_NEED_CUDA",
    "TF_NEED_GCP",
    "TF_NEED_GDR",
    "TF_NEED_HDFS",
    "TF_NEED_IGNITE",
    "TF_NEED_JEMALLOC",
    "TF_NEED_KAFKA",
    "TF_NEED_MKL",
    "TF_NEED_MPI",
    "TF_NEED_NGRAPH",
    "TF_NEED_OPENCL",
    "TF_NEED_OPENCL_SYCL",
    "TF_NEED_ROCM",
    "TF_NEED_S3",
    "TF_NEED_TENSORRT",
    "TF_NEED_VERBS",
    "TF_SET_ANDROID_WORKSPACE",
)
# configure.py's own default.
OPTIMISATION = "-march=native -Wno-sign-compare"
# CKSSD_BAZEL_OPTIONS may be just --jobs=4, but which of Bazel's options change the code cannot be told here.
CONTENT = {"PACKAGE_URL": "", "PACKAGE_COMMIT": "", "CC_OPT_FLAGS": OPTIMISATION, "CKSSD_BAZEL_OPTIONS": ""}

# TensorFlow's configure and a person call `bazel`; this one keeps all its output in one folder.
BAZEL_SCRIPT = """#!/bin/sh
exec "$CKSSD_BAZEL" "--output_base=$CKSSD_BAZEL_OUTPUT" "$@"
"""


@dataclass(frozen=True)
class Bazel:
    """A Bazel that fits, started by a script in ``folder``, which gets all its output, too."""

    path: Path
    version: str
    folder: Path

    @property
    def script(self) -> Path:
        """What starts it, with the variables of :attr:`environment`."""
        return self.folder / "bin" / "bazel"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the script."""
        return {"CKSSD_BAZEL": str(self.path), "CKSSD_BAZEL_OUTPUT": str(self.folder / "output")}


@recipe(content=CONTENT, means=["CK_BAZEL", NAMED_PYTHON], check=refuse_another_python)
def bazel_build(package: Package, staging: Path) -> Used:
    """Fill ``staging`` with an environment whose TensorFlow was built from source, and that source.

    Variables of the install: ``PACKAGE_URL`` (another git repository, an address or a folder),
    ``PACKAGE_COMMIT`` (another commit), ``CK_BAZEL`` (the executable), ``CKSSD_BAZEL_OPTIONS`` (such as
    ``--jobs=4``) and ``CC_OPT_FLAGS``.

    Raises
    ------
    EnvironmentSetupError
        git, a fitting Bazel or a fitting Python is missing, or the machine is offline.
    UsageError
        A variable makes no sense.
    VerificationError
        The source is not that of the commit.
    RunError
        A step failed; the error has its last lines.
    """
    refuse_another_machine(package)
    wanted = wanted_source(package)
    _check_machine(package, staging)
    with _bazel_for(package, staging) as bazel:
        python = make_environment(package, staging)
        source = staging / "src"
        step(f"Fetching the source from {wanted.url} at {wanted.commit}")
        clone_commit(wanted, source)
        environment = _build_environment(bazel, staging)
        configuration = _configure(package, source, environment)
        wheel = _build_wheel(package, bazel, source, environment)
        python_file = str(Environment(staging).python)
        run_uv(["pip", "install", "--offline", "--no-deps", "--python", python_file, str(wheel)])
    _forget_staging(source, staging)
    return Used(
        tools={"python": python.version, "uv": uv_version(), "bazel": bazel.version, "git": _git_version()},
        environment=list(_environment_with_tensorflow(package, staging)),
        extra={"git": wanted.as_dict(), "configuration": configuration},
    )


def wanted_source(package: Package) -> GitSource:
    """Return the commit to build: the entry's, or what ``PACKAGE_URL`` and ``PACKAGE_COMMIT`` say instead."""
    url = package.options.get("PACKAGE_URL") or str(package.section["repository"])
    return GitSource(
        url=str(Path(url).absolute()) if Path(url).is_dir() else url,
        commit=package.options.get("PACKAGE_COMMIT") or str(package.section["commit"]),
    )


def _check_machine(package: Package, staging: Path) -> None:
    if is_offline():
        raise EnvironmentSetupError(
            "TensorFlow cannot be built offline: Bazel fetches what it is built with",
            where="CKSSD_OFFLINE",
            advice=f"unset it, or {_prebuilt(package)}",
        )
    if re.search(r"\s", str(staging)):
        raise EnvironmentSetupError(
            "Bazel cannot build in a folder whose path has a space",
            where=staging,
            advice="let CK_TOOLS name another one",
        )
    if shutil.which("git") is None:
        raise EnvironmentSetupError(
            "git is missing, which fetches the source of TensorFlow", advice="install the package git"
        )


@contextlib.contextmanager
def _bazel_for(package: Package, staging: Path) -> Iterator[Bazel]:
    """Give a Bazel of a fitting version; afterwards end its server and remove its output."""
    from packaging.specifiers import SpecifierSet  # 80 ms that other recipes need not pay

    wanted = str(package.section["bazel"])
    found = Bazel(_find_bazel(package, wanted), "", staging.parent / f"{staging.name}-bazel")
    found.script.parent.mkdir(parents=True)
    found.script.write_text(BAZEL_SCRIPT, encoding="utf-8")
    found.script.chmod(0o755)
    try:
        answer = _captured([str(found.script), "version"], cwd=staging, env=found.environment)
        label = re.search(r"^Build label: (\d+(?:\.\d+)+)", answer, re.MULTILINE)
        if label is None or not SpecifierSet(wanted).contains(label[1]):
            raise EnvironmentSetupError(
                "This Bazel cannot build TensorFlow",
                where=found.path,
                expected=f"version {wanted}",
                got=label[1] if label else answer[-200:],
                advice=_how_to_get_bazel(package),
            )
        yield replace(found, version=label[1])
    finally:
        with contextlib.suppress(CkssdError):
            _captured([str(found.script), "shutdown"], cwd=staging, env=found.environment)
        remove_tree(found.folder)


def _find_bazel(package: Package, wanted: str) -> Path:
    named = package.options.get("CK_BAZEL") or os.environ.get("CK_BAZEL")
    path = shutil.which(named or "bazel")
    if path is None:
        raise EnvironmentSetupError(
            "Bazel is missing, which builds TensorFlow",
            where=f"CK_BAZEL={named}" if named else "PATH",
            expected=f"Bazel {wanted}",
            advice=_how_to_get_bazel(package),
        )
    return Path(path).absolute()


def _how_to_get_bazel(package: Package) -> str:
    release = package.section["bazel_advised"]
    return (
        f"get release {release} from Bazel's releases page and name it with --env.CK_BAZEL=PATH "
        f"(bazelisk with USE_BAZEL_VERSION={release} in the environment does, too), "
        f"or {_prebuilt(package)}"
    )


def _prebuilt(package: Package) -> str:
    return f"install the prebuilt package (--tags=lib,tensorflow,v{package.version},vprebuilt)"


def _build_environment(bazel: Bazel, staging: Path) -> dict[str, str]:
    """Variables for everything that runs in the source: this Bazel, this Python, no questions."""
    environment = Environment(staging)
    path = (str(bazel.script.parent), str(environment.bin), os.environ.get("PATH", os.defpath))
    return {
        **bazel.environment,
        "PATH": os.pathsep.join(path),
        "PYTHON_BIN_PATH": str(environment.python),
        "USE_DEFAULT_PYTHON_LIB_PATH": "1",
    }


def _configure(package: Package, source: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Run TensorFlow's configure with every question answered; return the answers."""
    step("Configuring TensorFlow")
    answers = {
        **dict.fromkeys(NOT_WANTED, "0"),
        "CC_OPT_FLAGS": package.options.get("CC_OPT_FLAGS") or OPTIMISATION,
    }
    _shown(["./configure"], cwd=source, env={**environment, **answers})
    if not (source / CONFIGURED).is_file():  # it ends with status 0 in some cases in which it gave up
        raise RunError(
            "TensorFlow's configure gave up", where=source, expected=CONFIGURED, got="no such file"
        )
    return answers


def _build_wheel(package: Package, bazel: Bazel, source: Path, environment: Mapping[str, str]) -> Path:
    step(f"Building TensorFlow with Bazel {bazel.version}; this takes hours")
    options = shlex.split(package.options.get("CKSSD_BAZEL_OPTIONS", ""))
    build = [str(bazel.script), "build", "--curses=no", "--color=no", "--config=opt", *options, WHEEL_TARGET]
    _shown(build, cwd=source, env=environment)
    wheels = bazel.folder / "wheels"
    wheels.mkdir()
    _shown([f"./{WHEEL_SCRIPT}", str(wheels)], cwd=source, env=environment)
    made = sorted(wheels.glob("*.whl"))
    if len(made) != 1:
        names = ", ".join(path.name for path in made) or "none"
        raise InputError("The build did not make one wheel", where=WHEEL_TARGET, got=names)
    for link in source.glob("bazel-*"):
        if link.is_symlink():  # into the output, which goes
            link.unlink()
    return made[0]


def _forget_staging(source: Path, staging: Path) -> None:
    """Let the files that configure wrote name the interpreter in its final place."""
    old, new = os.fsencode(staging), os.fsencode(_final_place(staging))
    listed = _captured(["git", "ls-files", "--others", "--modified", "-z"], cwd=source)
    for name in filter(None, listed.split("\0")):
        path = source / name
        if path.is_file() and not path.is_symlink() and old in (content := path.read_bytes()):
            path.write_bytes(content.replace(old, new))


def _final_place(staging: Path) -> Path:
    """Return the folder that a staging folder becomes."""
    target = staging.parent.parent.parent / staging.parent.name
    return target if work_folder(target) == staging.parent else staging


def _environment_with_tensorflow(package: Package, staging: Path) -> tuple[str, ...]:
    locked = lock_of(staging)
    built = next((pin for pin in locked if pin.startswith("tensorflow==")), "no tensorflow")
    expected = f"tensorflow=={package.version}"
    if built != expected and not package.options.get("PACKAGE_COMMIT"):
        raise InputError("The build made another version", where=package.alias, expected=expected, got=built)
    return locked


def _git_version() -> str:
    return _captured(["git", "--version"], cwd=Path("/")).split()[-1]


def _process_environment(added: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in {*MISLEADING_PYTHON, *MISLEADING_GIT}
    }
    return {**kept, **added}


def _captured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a short command; return its standard output."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=_process_environment(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise _failure(command, done.returncode, (done.stdout + done.stderr).splitlines())
    return done.stdout


def _shown(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
    """Run a long command and pass on what it prints; nothing can answer a question of its."""
    last: collections.deque[str] = collections.deque(maxlen=LAST_LINES)

    def not_started(reason: str) -> InputError:
        return InputError("The source lacks what starts its build", where=cwd / command[0], got=reason)

    # Bazel's client, told to end, tells its server to stop.
    stop = subprocess.Popen.terminate
    with running(command, _process_environment(env), not_started=not_started, cwd=cwd, stop=stop) as process:
        for line in process.stdout or ():
            last.append(line.rstrip())
            say(f"    {line.rstrip()}")
    if process.returncode != 0:
        raise _failure(command, process.returncode, last)


def _failure(command: Sequence[str], code: int, lines: Sequence[str]) -> RunError:
    text = in_one_line(list(lines)[-LAST_LINES:])
    name = " ".join([Path(command[0]).name, *command[1:2]])
    return RunError(f"{name} failed", expected="exit status 0", got=f"exit status {code}: {text}")
