"""Finding every CPython of the machine, and choosing one for an environment.

Looked through are PATH, pyenv's versions, uv's own Pythons and the system's folders. Each candidate is run
once to learn its version: names lie, and pyenv's shims fail for a version that is not selected.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ckssd.errors import EnvironmentSetupError, NetworkError, RunError, UsageError
from ckssd.fetch.settings import is_offline
from ckssd.install.uv import run_uv
from ckssd.report import say

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

NAME_ON_PATH = re.compile(r"python(3(\.\d+)?)?")
SYSTEM_FOLDERS = ("/usr/bin", "/usr/local/bin")
# Homebrew is in /opt on macOS; the second is where its installer from python.org puts them.
SYSTEM_PARENTS = ("/opt", "/Library/Frameworks/Python.framework/Versions")
PROBE_SECONDS = 20.0
# Understood by every Python since 2.6, run without site-packages so that it takes some 15 ms.
PROBE = """
import json, platform, sys
v = sys.version_info
level = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc', 'final': ''}[v[3]]
text = '%d.%d.%d' % v[:3] + (level and '%s%d' % (level, v[4]))
print(json.dumps([platform.python_implementation(), text]))
"""


@dataclass(frozen=True)
class Python:
    """A CPython interpreter.

    Parameters
    ----------
    path
        The base interpreter (never a virtual environment's, never a link).
    version
        As in PEP 440: ``3.11.7``, ``3.14.0rc1``.
    source
        Where it was found: ``PATH``, ``pyenv``, ``uv``, ``system`` or ``given``.
    """

    path: Path
    version: str
    source: str

    @property
    def minor(self) -> str:
        """``3.11`` of ``3.11.7``."""
        return ".".join(self.version.split(".")[:2])


def find_pythons(env: Mapping[str, str] | None = None) -> tuple[Python, ...]:
    """Every CPython of the machine, newest first; each base interpreter once.

    Parameters
    ----------
    env
        Environment variables to go by (``PATH``, ``PYENV_ROOT``, ``UV_PYTHON_INSTALL_DIR``,
        ``XDG_DATA_HOME``, ``HOME``); the process's own when left out.
    """
    env = os.environ if env is None else env
    sources: dict[Path, str] = {}
    for path, source in _candidates(env):
        base = base_interpreter(path)
        if base is not None:
            sources.setdefault(base, source)
    with ThreadPoolExecutor(max_workers=8) as pool:
        probed = pool.map(probe, sources)
    found = [
        Python(path, version, source)
        for (path, source), version in zip(sources.items(), probed, strict=True)
        if version is not None
    ]
    # Of equal versions the one found first stays first: PATH before pyenv, uv and the system.
    return tuple(sorted(found, key=lambda python: version_key(python.version), reverse=True))


def choose_python(
    requires: str,
    preferred: Path | None = None,
    found: Sequence[Python] | None = None,
    *,
    install_missing: bool = True,
) -> Python:
    """The interpreter for an environment that ``requires`` certain versions.

    ``preferred`` when it fits; else the newest patch release of the newest fitting minor version found;
    else one that uv installs.

    Parameters
    ----------
    requires
        Version specifiers as in PEP 440, such as ``>=3.10,<3.14`` or ``==3.7.*``.
    preferred
        An interpreter (a virtual environment's stands for its base).
    found
        What to choose from; :func:`find_pythons` when left out.
    install_missing
        Whether uv may install one (never when ``CKSSD_OFFLINE`` is set).

    Raises
    ------
    UsageError
        ``requires`` is malformed.
    EnvironmentSetupError
        No Python fits; the message names the wanted versions, those found, and how to get one.
    """
    wanted = _specifiers(requires)
    if preferred is not None:
        python = python_at(preferred)
        if python is not None and wanted.contains(python.version, prereleases=True):
            return python
    candidates = find_pythons() if found is None else tuple(found)
    newest = _newest(wanted, candidates)
    if newest is None and install_missing and not is_offline():
        newest = _installed_by_uv(requires, wanted)
    if newest is None:
        raise _no_python(requires, candidates)
    return newest


def minor_of(requires: str) -> str:
    """The first version that specifiers name, ``3.7`` of ``==3.7.*``; ``3`` where they name none."""
    named = re.search(r"\d+\.\d+", requires)
    return named[0] if named else "3"


def version_key(version: str) -> tuple[int, ...]:
    """A key that sorts versions of Python by age, pre-releases before the release.

    Raises
    ------
    ValueError
        ``version`` is not like ``3.11.7`` or ``3.14.0rc1``.
    """
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?", version)
    if match is None:
        raise ValueError(f"no version of Python: {version!r}")
    level = ("a", "b", "rc", None).index(match[4])
    return int(match[1]), int(match[2]), int(match[3]), level, int(match[5] or 0)


def python_at(path: Path, source: str = "given") -> Python | None:
    """The CPython that ``path`` (perhaps inside a virtual environment) stands for; ``None`` if it is none."""
    base = base_interpreter(path)
    version = None if base is None else probe(base)
    return None if base is None or version is None else Python(base, version, source)


def base_interpreter(path: Path) -> Path | None:
    """The real interpreter behind links and virtual environments; ``None`` when there is none to run."""
    try:
        config = path.parent.parent / "pyvenv.cfg"
        real = path.resolve(strict=True)
        if config.is_file() and real.parent == path.parent.resolve():
            # Made with --copies: the file is no link, only pyvenv.cfg knows the base.
            real = (_home_of(config) / real.name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return real if real.is_file() and os.access(real, os.X_OK) else None


def probe(path: Path) -> str | None:
    """Version of the CPython ``path``; ``None`` when it cannot be run or is another implementation."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    try:
        done = subprocess.run(
            [str(path), "-E", "-s", "-S", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            env=env,
            cwd="/",
            check=True,
        )
        implementation, version = json.loads(done.stdout)
        version_key(version)
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None
    return str(version) if implementation == "CPython" else None


def _candidates(env: Mapping[str, str]) -> Iterable[tuple[Path, str]]:
    """Interpreters by place, unresolved; the order decides which place an interpreter is said to be from."""
    pyenv = Path(env.get("PYENV_ROOT") or _home(env) / ".pyenv")
    for folder in map(Path, env.get("PATH", "").split(os.pathsep)):
        # A shim (of pyenv, asdf, mise) is no interpreter, and which one it runs changes with the folder.
        if folder.is_absolute() and folder.name != "shims":
            yield from ((path, "PATH") for path in _interpreters_in(folder))
    for folder in _sorted_glob(pyenv / "versions", "*/bin"):
        yield from ((path, "pyenv") for path in _interpreters_in(folder))
    for folder in _sorted_glob(_uv_folder(env), "*/bin"):
        yield from ((path, "uv") for path in _interpreters_in(folder))
    system = (folder for parent in SYSTEM_PARENTS for folder in _sorted_glob(Path(parent), "*/bin"))
    for folder in (*map(Path, SYSTEM_FOLDERS), *system):
        yield from ((path, "system") for path in _interpreters_in(folder))


def _interpreters_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if NAME_ON_PATH.fullmatch(path.name))
    except OSError:
        return []


def _sorted_glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("HOME") or Path.home())


def _uv_folder(env: Mapping[str, str]) -> Path:
    if env.get("UV_PYTHON_INSTALL_DIR"):
        return Path(env["UV_PYTHON_INSTALL_DIR"])
    data = env.get("XDG_DATA_HOME")
    return (Path(data) if data else _home(env) / ".local" / "share") / "uv" / "python"


def _home_of(config: Path) -> Path:
    for line in config.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip().lower() == "home":
            return Path(value.strip())
    raise ValueError("pyvenv.cfg without home")


def _newest(wanted: SpecifierSet, candidates: Sequence[Python]) -> Python | None:
    """The newest fitting one; of equal versions the first listed. Pre-releases only when asked for."""
    prereleases = bool(wanted.prereleases)
    fitting = [item for item in candidates if wanted.contains(item.version, prereleases=prereleases)]
    return max(fitting, key=lambda item: version_key(item.version), default=None)


def _specifiers(requires: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # 80 ms that other uses need not pay

    try:
        return SpecifierSet(requires)
    except InvalidSpecifier as error:
        raise UsageError(
            "the wanted Python version is malformed", expected="such as >=3.10,<3.14", got=repr(requires)
        ) from error


def _installed_by_uv(requires: str, wanted: SpecifierSet) -> Python | None:
    say(f"no Python {requires} found; uv gets one")
    try:
        # With --no-bin nothing is put on the user's PATH.
        run_uv(["python", "install", "--no-bin", requires])
    except (RunError, EnvironmentSetupError, NetworkError) as error:
        say(str(error))
        return None
    return _newest(wanted, find_pythons())


def _no_python(requires: str, found: Sequence[Python]) -> EnvironmentSetupError:
    names = ", ".join(f"{python.version} ({python.path})" for python in found) or "none"
    version = minor_of(requires)
    return EnvironmentSetupError(
        "no fitting Python is on this machine",
        expected=f"CPython {requires or 'of any version'}",
        got=names,
        # pyenv builds every version; uv has them from 3.8 on.
        advice=f"get one with: pyenv install {version} (or, for 3.8 and later, uv python install), "
        "or name one with --env.CK_PYTHON=PATH",
    )
