"""Set up this checkout: a locked virtual environment in ``.venv`` and a CK home in ``.ck``.

Runs on whatever ``python3`` there is, with the standard library only, so that it can say what is
missing. Nothing is done twice: ``make`` calls it when the lock or this file is newer than the stamp.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CK_HOME = ROOT / ".ck"
OLDEST, NEWEST = (3, 10), (3, 13)


def fail(what: str, advice: str) -> None:
    """End with one line that says what is missing and one that says how to get it."""
    sys.exit(f"setup: {what}\n       {advice}")


def check_machine() -> None:
    """Name the first thing that this machine lacks."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        fail(
            f"this project runs on Linux x86-64, not on {sys.platform} {os.uname().machine}",
            "Use such a machine.",
        )
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        fail(
            f"Python 3.10 to 3.13 is needed, and {sys.executable} is {version}",
            "Name another one: make setup PYTHON=/path/to/python3.11",
        )
    if shutil.which("git") is None:
        fail("git is missing", "Install it: sudo apt-get install git")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        minor = "{}.{}".format(*sys.version_info[:2])
        fail(
            "the venv module of Python is missing",
            f"Install it: sudo apt-get install python3-venv (or python{minor}-venv)",
        )


def run(step: str, *command: object, **environment: str) -> None:
    """Run one step of the set-up, showing its own output only through its name unless it fails."""
    print(f"==> {step}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        fail(
            f"this step failed: {step}",
            "Mend what the lines above name, then run the same make target again.",
        )


def python_of(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return environment / "bin" / "python"


def venv_is_usable() -> bool:
    """Tell whether ``.venv`` is whole and made of the Python that runs now."""
    if not python_of(VENV).exists():
        return False
    probe = "import sys; print('{}.{}'.format(*sys.version_info[:2]))"
    done = subprocess.run([python_of(VENV), "-c", probe], capture_output=True, text=True, check=False)
    return done.stdout.strip() == "{}.{}".format(*sys.version_info[:2])


def main() -> None:
    """Make what is missing (``--dev``: for the tests, too), then leave the stamp that make looks at."""
    dev = sys.argv[1:] == ["--dev"]
    check_machine()
    if not venv_is_usable():
        # Not the symbolic link that may have been called: an environment made from it would lose its base.
        run("Making .venv", os.path.realpath(sys.executable), "-m", "venv", "--clear", VENV)
        run(
            "Installing uv",
            *(python_of(VENV), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--requirement", ROOT / "tools" / "uv-bootstrap.txt"),
        )
    run(
        "Installing the locked packages " + ("of this project's tests" if dev else "of this project"),
        *(VENV / "bin" / "uv", "sync", "--frozen", "--python", python_of(VENV)),
        # --inexact: what an earlier `make test` added stays
        *([] if dev else ["--no-dev", "--inexact"]),
        UV_PROJECT_ENVIRONMENT=str(VENV),
        VIRTUAL_ENV=str(VENV),
    )
    CK_HOME.mkdir(exist_ok=True)
    run("Registering this repository in .ck", python_of(VENV), "-m", "ckssd.ck.home", "register", ROOT)
    (CK_HOME / "next-steps.txt").write_text(
        "Ready. To go on:\n"
        "  . ./activate          puts ck and ckssd on PATH, with the CK home in .ck of this checkout\n"
        "  . ./activate --home   the same with your own CK home\n"
        "  make demo             installs, converts and measures the built-in model\n",
        encoding="utf-8",
    )
    (CK_HOME / ("dev.stamp" if dev else "setup.stamp")).touch()


if __name__ == "__main__":
    main()
