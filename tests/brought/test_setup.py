"""A checkout on a machine of one's own: set-up that is killed, run twice at once, or lacks something."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ckssd.fetch.settings import FALSE_WORDS, TRUE_WORDS, is_offline
from tests.support.own_mounts import run_with_own_mounts
from tests.support.processes import Started, wait_for

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
OF_A_CHECKOUT = (
    *(".cm", ".ckr.json", "activate", "module", "os", "package", "soft", "src", "tools"),
    *("Makefile", "pyproject.toml", "uv.lock", "README.md", "LICENSE"),
)
PYTHON = os.path.realpath(sys.executable)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh clone, in which nothing has been set up."""
    made = tmp_path / "ck-ssd"
    made.mkdir()
    for name in OF_A_CHECKOUT:
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copyfile
        copy(CHECKOUT / name, made / name)
    return made


def set_up(checkout: Path, python: str = PYTHON, **variables: str) -> Started:
    command = ["make", "--no-print-directory", "setup", f"PYTHON={python}"]
    return Started(command, {**os.environ, **variables}, checkout)


def lines_of(checkout: Path, python: str = PYTHON, **variables: str) -> list[str]:
    """What a set-up that fails says, without make's own line."""
    code, output = set_up(checkout, python, **variables).finish()
    assert code == 2, output
    assert "Traceback" not in output
    return [line for line in output.splitlines() if not line.startswith("make")]


def test_setup_killed_again_and_again_is_finished_by_two_at_once(checkout: Path) -> None:
    packages = f".venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    for reached in (".venv/bin/python", f"{packages}/pip/__main__.py"):
        killed = set_up(checkout)
        wait_for((checkout / reached).exists)
        assert killed.kill() == -signal.SIGKILL
        assert not (checkout / ".venv" / "bin" / "uv").exists()
    both = [set_up(checkout), set_up(checkout)]
    ends = [process.finish() for process in both]
    assert [code for code, _ in ends] == [0, 0], ends
    assert sorted("waiting for another set-up" in output for _, output in ends) == [False, True]
    assert sum("==> Making .venv" in output for _, output in ends) == 1, "nothing is done twice"
    assert not any("Traceback" in output for _, output in ends)

    done = subprocess.run(
        ["sh", "-ec", ". ./activate; ck where repo:ck-ssd; command -v ckssd"],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [str(checkout), str(checkout / ".venv/bin/ckssd")], done.stderr


def test_ctrl_c_is_one_line(checkout: Path) -> None:
    stopped = set_up(checkout)
    wait_for((checkout / ".venv" / "bin" / "python").exists)
    stopped.signal(signal.SIGINT)
    code, output = stopped.finish()
    assert code != 0
    assert "setup: stopped; the same make target goes on from here" in output
    assert "Traceback" not in output


def test_a_full_disk_is_named(checkout: Path) -> None:
    script = """
import subprocess, sys
small_disk(sys.argv[1] + "/.ck", 64)
small_disk(sys.argv[1] + "/.venv", 2048)
command = ["make", "--no-print-directory", "-C", sys.argv[1], "setup", "PYTHON=" + sys.argv[2]]
done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(done.returncode, done.stdout)
"""
    (checkout / ".ck").mkdir()
    (checkout / ".venv").mkdir()
    printed = run_with_own_mounts(script, checkout, PYTHON)
    assert "the disk is full" in printed
    assert "Free some space" in printed
    assert "Traceback" not in printed


def test_a_checkout_that_cannot_be_written_is_named(checkout: Path) -> None:
    script = """
import subprocess, sys
read_only(sys.argv[1])
command = ["make", "--no-print-directory", "-C", sys.argv[1], "setup", "PYTHON=" + sys.argv[2]]
print(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout)
"""
    lines = run_with_own_mounts(script, checkout, PYTHON).splitlines()
    assert lines[0] == f"setup: Read-only file system ({checkout}/.ck)"
    assert "has to belong to you and to be writable" in lines[1]


def test_a_python_without_ensurepip_is_told_what_to_install(checkout: Path, tmp_path: Path) -> None:
    """Debian's python3 without python3-venv; a module of that name that fails stands for its absence."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "ensurepip.py").write_text("raise ModuleNotFoundError(\"No module named 'ensurepip'\")")
    what, advice = lines_of(checkout, PYTHONPATH=str(shadow))
    assert what == f"setup: the venv module of {PYTHON} is missing or not complete"
    assert "sudo apt-get install python3-venv" in advice


@pytest.mark.parametrize("minor", ["2.7", "3.6", "3.7", "3.8", "3.9"])
def test_an_older_python_is_refused_in_one_line_with_the_range(checkout: Path, minor: str) -> None:
    found = [place for place in Path.home().glob(f".pyenv/versions/{minor}.*/bin/python") if place.exists()]
    if not found:
        pytest.skip(f"no Python {minor} on this machine")
    (line,) = lines_of(checkout, str(found[0]), PATH="/usr/bin:/bin")
    assert line.startswith(f"setup: {found[0]} is Python {minor}.")
    assert re.search(r", and 3\.10 to 3\.14 is needed: make setup PYTHON=/\S*/python3\.1[0-4]$", line)


def test_a_later_python_is_refused_in_one_line_that_names_one_on_path(checkout: Path, tmp_path: Path) -> None:
    newest = tmp_path / "python3.14"
    newest.symlink_to(PYTHON)
    pretend = "import sys; sys.version_info = (3, 15, 0); exec(open('tools/setup.py').read())"
    done = subprocess.run(
        [PYTHON, "-c", pretend],
        cwd=checkout,
        env={**os.environ, "PATH": f"/no/such/folder:{tmp_path}:/usr/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"setup: {PYTHON} is Python 3.15.0, and 3.10 to 3.14 is needed: make setup PYTHON={newest}\n"
    )


def test_a_python_that_is_not_there_is_named(checkout: Path) -> None:
    what, advice = lines_of(checkout, "python9")
    assert what == "setup: no Python is called python9"
    assert advice.strip() == "Name one: make setup PYTHON=/path/to/python3.11"


def test_an_index_out_of_reach_is_named_without_its_password(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = load_tools(checkout)
    printing = "echo Connection refused: http://user:s3cr3t-w0rd@127.0.0.1:9/simple; false"
    with pytest.raises(SystemExit, match="the Python package index cannot be reached"):
        tools.run("Asking", os.open(checkout, os.O_RDONLY), "sh", "-c", printing)
    assert capsys.readouterr().err.splitlines()[1].strip() == "Connection refused: http://127.0.0.1:9/simple"


def test_offline_opens_no_connection_and_says_what_is_missing(checkout: Path, tmp_path: Path) -> None:
    """Nothing is in the folder that pip may look into, so uv cannot be installed."""
    (tmp_path / "wheels").mkdir()
    what, advice = lines_of(checkout, CKSSD_OFFLINE="1", PIP_FIND_LINKS=str(tmp_path / "wheels"))[-2:]
    assert what.startswith("setup: this step failed: Installing uv: a package is not in the cache")
    assert "Unset it once" in advice
    code, said = set_up(checkout, CKSSD_OFFLINE="perhaps").finish()
    assert (code, said.splitlines()[0]) == (2, "setup: CKSSD_OFFLINE is perhaps, which is neither on nor off")


@pytest.mark.parametrize("word", sorted({*TRUE_WORDS, *FALSE_WORDS}))
def test_setup_reads_the_switch_as_ckssd_does(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("CKSSD_OFFLINE", word)
    assert bool(load_tools(checkout).without_network()) == is_offline()


@pytest.mark.parametrize("lost", ["numpy/__init__.py", "six-1.0.dist-info/RECORD"])
def test_an_environment_left_in_the_middle_of_a_change_is_not_taken_for_whole(
    checkout: Path, lost: str
) -> None:
    tools = load_tools(checkout)
    packages = checkout / ".venv" / "lib" / "site-packages"
    for name in ("numpy/__init__.py", "six-1.0.dist-info/RECORD"):
        (packages / name).parent.mkdir(parents=True)
        (packages / name).touch()
    (checkout / ".venv" / "bin").mkdir()
    (checkout / ".venv" / "bin" / "uv").touch()
    (checkout / ".venv" / "bin" / "python").symlink_to(PYTHON)
    changing = {"root": str(checkout), "python": tools.MINOR, "changing_from": tools.files_digest()}
    assert tools.environment_is_whole(changing), "killed while it was still downloading"
    (packages / "numpy" / "__pycache__").mkdir()
    assert tools.environment_is_whole(changing), "what Python compiles is no change"
    (packages / lost).unlink()
    assert not tools.environment_is_whole(changing)


def load_tools(checkout: Path) -> ModuleType:
    """The module ``tools/checkout.py`` of a checkout."""
    spec = importlib.util.spec_from_file_location("checkout_tools", checkout / "tools" / "checkout.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
