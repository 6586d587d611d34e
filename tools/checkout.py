"""Make a checkout ready: a locked virtual environment in ``.venv`` and a CK home in ``.ck``.

A transaction in the sense that matters here: it may be killed anywhere, and the next run goes on from what
is whole and makes the rest anew. ``.venv/setup.json`` says what is whole and is written last. Only the
standard library is used, so that any ``python3`` can say what the machine lacks.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RECORD = VENV / "setup.json"
CK_HOME = ROOT / ".ck"
LOG = CK_HOME / "setup.log"
MINOR = "{}.{}".format(*sys.version_info[:2])

LAST_LINES = 12
AGAIN = "Then run the same make target again."
# The answers of uv and pip that were told to open no connection.
NOT_HERE = r"[Nn]etwork (connectivity is|was|is) disabled|No matching distribution found"
CAUSES = (
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full",
        f"Free some space: .venv and its downloads need up to 2 GB. {AGAIN}",
    ),
    (
        r"Permission denied|Read-only file system|Operation not permitted",
        "a file or folder cannot be written",
        f"This checkout has to belong to you and to be writable. {AGAIN}",
    ),
    (
        r"name resolution|Name or service not known|dns error|[Cc]onnection refused|[Nn]etwork is unreachable"
        r"|[Tt]imed out|Connection reset|ProxyError",
        "the Python package index cannot be reached",
        "Check the network; HTTPS_PROXY names a proxy, PIP_INDEX_URL and UV_DEFAULT_INDEX an index of your"
        f" own. {AGAIN}",
    ),
)


def fail(what: str, advice: str) -> NoReturn:
    """End with one line that says what is wrong and one that says what to do."""
    sys.exit(f"setup: {what}\n       {advice}")


def fail_by_system(error: OSError) -> NoReturn:
    """End with what the operating system refused to this process itself."""
    text = f"{error.strerror or error}"
    where = f" ({error.filename})" if error.filename else ""
    advice = next((advice for pattern, _, advice in CAUSES if re.search(pattern, text)), AGAIN)
    fail(f"{text}{where}", advice)


def check_machine() -> None:
    """Name the first thing that this machine lacks."""
    if sys.maxsize < 2**32:
        fail(f"{sys.executable} is a 32-bit Python", "Name a 64-bit one: make setup PYTHON=/path/to/python3")
    if shutil.which("git") is None:
        mac = sys.platform == "darwin"
        fail(
            "git is missing", f"Install it: {'xcode-select --install' if mac else 'sudo apt-get install git'}"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(
            f"the venv module of {sys.executable} is missing or not complete",
            f"Install it: sudo apt-get install python3-venv (or python{MINOR}-venv),"
            f" or name another Python: make setup PYTHON=/path/to/python{MINOR}",
        )


def take_turn() -> int:
    """Wait until no other set-up of this checkout runs; return the lock, which ends with its last holder.

    The steps' processes hold it, too: one that outlives a killed set-up still writes into ``.venv``.
    """
    CK_HOME.mkdir(exist_ok=True)
    path = CK_HOME / "setup.lock"
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("setup: waiting for another set-up of this checkout to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(os.fstat(lock), path.stat()):
            return lock
        os.close(lock)  # `make clean` removed it meanwhile


def without_network() -> dict[str, str]:
    """What keeps pip and uv from the network where ``CKSSD_OFFLINE`` is set, as `ckssd` reads it."""
    value = os.environ.get("CKSSD_OFFLINE", "").strip().lower()
    if value in ("", "0", "no", "false", "off"):
        return {}
    if value not in ("1", "yes", "true", "on"):
        fail(f"CKSSD_OFFLINE is {value}, which is neither on nor off", "Set it to 1 or 0.")
    return {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}


def say(text: str) -> None:
    """Print one line for people."""
    print(text, file=sys.stderr, flush=True)


def run(step: str, lock: int, *command: object, **environment: str) -> None:
    """Run one step, showing only its name; if it fails, end with the cause and the last lines it printed."""
    say(f"==> {step}")
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **without_network(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        pass_fds=[lock],
    )
    if done.returncode != 0:
        explain(step, re.sub(r"://[^/@\s]*@", "://", done.stdout))  # passwords of package indexes


def explain(step: str, output: str) -> NoReturn:
    """End with the cause of a step's failure, as far as its output tells it."""
    for line in list(without_tracebacks(output.splitlines()))[-LAST_LINES:]:
        say(f"    {line}")
    if without_network() and re.search(NOT_HERE, output):
        fail(
            f"this step failed: {step}: a package is not in the cache, and CKSSD_OFFLINE forbids to download",
            "Unset it once, with a network, or copy uv's cache and a folder for PIP_FIND_LINKS from a machine"
            f" with one (docs/lock-and-sync.md). {AGAIN}",
        )
    for pattern, cause, advice in CAUSES:
        if re.search(pattern, output):
            fail(f"this step failed: {step}: {cause}", advice)
    LOG.write_text(output, encoding="utf-8")
    fail(f"this step failed: {step}", f"All it printed is in {LOG}. Mend what it names. {AGAIN}")


def without_tracebacks(lines: Iterable[str]) -> Iterator[str]:
    """Leave out Python's tracebacks but for their last lines, which name the error."""
    inside = False
    for line in lines:
        inside = line.startswith("Traceback (") or (inside and line.startswith((" ", "\t")))
        if line.strip() and not inside:
            yield line


def python() -> Path:
    """Return the interpreter of the virtual environment."""
    return VENV / "bin" / "python"


def recorded() -> dict[str, Any]:
    """What is whole in ``.venv`` as the last set-up left it; nothing if that is not known."""
    try:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(record: dict[str, Any]) -> None:
    """Replace the record by one rename."""
    new = RECORD.with_name("setup.json.new")
    new.write_text(json.dumps(record, indent=1), encoding="utf-8")
    new.replace(RECORD)


def files_digest() -> str:
    """Digest of the names and sizes of the files in ``.venv``: shows a package that was left halfway."""
    lines = []
    for folder, subfolders, names in os.walk(VENV):
        subfolders[:] = [name for name in subfolders if name != "__pycache__"]
        for name in names:
            file = Path(folder, name)
            if not name.startswith(RECORD.name):
                lines.append(f"{file} {file.lstat().st_size}")
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def locked_digest() -> str:
    """Digest of what determines the packages."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "uv.lock"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def environment_is_whole(record: dict[str, Any]) -> bool:
    """Tell whether ``.venv`` is of this place and this Python, and was not left in the middle of a change."""
    if record.get("root") != str(ROOT) or record.get("python") != MINOR:
        return False
    if not (VENV / "bin" / "uv").exists() or record.get("changing_from", files_digest()) != files_digest():
        return False
    try:
        return subprocess.run([python(), "-c", ""], check=False, capture_output=True).returncode == 0
    except OSError:
        return False  # its base interpreter is gone


def make_environment(lock: int) -> dict[str, Any]:
    """Make ``.venv`` anew with uv in it, whatever is in its place; return its record."""
    RECORD.unlink(missing_ok=True)
    # Not the symbolic link that may have been called: an environment made from it would lose its base.
    base = os.path.realpath(sys.executable)
    run("Making .venv", lock, base, "-m", "venv", "--clear", "--without-pip", VENV)
    # Apart, because venv would keep the output of a pip that fails, and so the cause, to itself.
    run("Installing pip", lock, python(), "-Im", "ensurepip", "--default-pip")
    run(
        *("Installing uv", lock, python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--requirement", ROOT / "tools" / "uv-bootstrap.txt"),
    )
    record = {"root": str(ROOT), "python": MINOR}
    write_record(record)
    return record


def set_up(lock: int, *, dev: bool) -> None:
    """Make what is missing."""
    record = recorded()
    if not environment_is_whole(record):
        record = make_environment(lock)
    locked = locked_digest()
    if record.get("locked") != locked or (dev and not record.get("dev")):
        write_record({**record, "changing_from": files_digest()})
        run(
            *("Installing the locked packages of this project" + ("'s tests" if dev else ""), lock),
            *(VENV / "bin" / "uv", "sync", "--frozen", "--python", python()),
            # --inexact: what an earlier `make test` added stays. Compiled here, because many containers set
            # PYTHONDONTWRITEBYTECODE, and every `ck` would then compile CK again.
            *([] if dev else ["--no-dev", "--inexact", "--compile-bytecode"]),
            UV_PROJECT_ENVIRONMENT=str(VENV),
            VIRTUAL_ENV=str(VENV),
        )
        write_record({"root": str(ROOT), "python": MINOR, "locked": locked, "dev": dev})
    run("Registering this repository in .ck", lock, python(), "-m", "ckssd.ck.home", "register", ROOT)


def leave_stamps(*, dev: bool) -> None:
    """Say how to go on, and leave the stamps that make looks at."""
    (CK_HOME / "next-steps.txt").write_text(
        "Ready. To go on:\n"
        "  . ./activate          puts ck and ckssd on PATH, with the CK home in .ck of this checkout\n"
        "  . ./activate --home   the same with your own CK home\n"
        "  make demo             installs, converts and measures the built-in model\n",
        encoding="utf-8",
    )
    for name in ["setup.stamp", *(["dev.stamp"] if dev else [])]:
        (CK_HOME / name).write_text(str(ROOT), encoding="utf-8")


def stop(*_: object) -> NoReturn:
    """End at once on Ctrl-C: nothing has to be undone."""
    os.write(2, b"\nsetup: stopped; the same make target goes on from here\n")
    os._exit(130)


def main(*, dev: bool) -> None:
    """Set up this checkout; ``dev``: for the tests, too."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    without_network()  # what is neither on nor off is said before anything is made
    check_machine()
    try:
        lock = take_turn()
        set_up(lock, dev=dev)
        leave_stamps(dev=dev)
    except OSError as error:
        fail_by_system(error)
