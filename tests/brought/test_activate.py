"""``activate`` inside a script of one's own: its arguments, its ``set -eu``, its folder, its shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
SHELLS = ["bash", "zsh", "dash"]
TELLS_ITS_PLACE = ["bash", "zsh"]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return installed(request.param)


@pytest.fixture(params=TELLS_ITS_PLACE)
def placed_shell(request: pytest.FixtureRequest) -> str:
    return installed(request.param)


def installed(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with a space, with the environment of these tests."""
    made = tmp_path / "a folder" / "ck-ssd"
    made.mkdir(parents=True)
    for name in (".cm", ".ckr.json", "activate", "module", "os", "soft"):
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copyfile
        copy(CHECKOUT / name, made / name)
    (made / ".venv").symlink_to(Path(sys.executable).parents[1])
    return made


class Caller:
    """Runs shell code that sources ``activate`` in a home of its own."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.home = checkout.parent.parent / "home"
        self.home.mkdir()
        self.own_tools = f"{self.home}/CK-TOOLS"

    def run(
        self, shell: str, code: str, *arguments: str, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        script = self.home / "a script"
        script.write_text(code)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CK")}
        environment |= {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"), **variables}
        command = [shell, str(script), *arguments]
        return subprocess.run(
            command, cwd=folder or self.checkout, env=environment, capture_output=True, text=True
        )

    def tools(self, *call: str, **variables: str) -> list[str]:
        """What the shell code prints; the home of the checkout is shown as ``.ck``."""
        done = self.run(*call, **variables)
        assert done.stderr == ""
        assert done.returncode == 0
        return [".ck" if "/checkouts/ck-ssd-" in line else line for line in done.stdout.splitlines()]


@pytest.fixture
def caller(checkout: Path) -> Caller:
    return Caller(checkout)


SHOW = 'printf "%s\\n" "$CK_TOOLS" "$@"\n'


@pytest.mark.parametrize("arguments", [["--draw", "a b", ""], ["--home", "x"]])
def test_the_arguments_of_the_caller_are_its_own(caller: Caller, shell: str, arguments: list[str]) -> None:
    code = f"set -eu\n. ./activate\n{SHOW}command -v ck >/dev/null\n"
    assert caller.tools(shell, code, *arguments) == [".ck", *arguments]


def test_a_function_keeps_its_arguments(caller: Caller, shell: str) -> None:
    code = f"set -eu\nf() {{\n. ./activate\n{SHOW}}}\nf one two\n"
    assert caller.tools(shell, code, "--other") == [".ck", "one", "two"]


def test_home_is_an_option_where_a_sourced_file_has_arguments(caller: Caller, placed_shell: str) -> None:
    code = f"set -eu\n. ./activate --home\n{SHOW}"
    assert caller.tools(placed_shell, code, "images") == [caller.own_tools, "images"]


def test_a_variable_chooses_the_home_in_every_shell(caller: Caller, shell: str) -> None:
    code = f"set -eu\n. ./activate\n{SHOW}"
    assert caller.tools(shell, code, "images", CKSSD_HOME="own") == [caller.own_tools, "images"]
    assert caller.tools(shell, code, "--home", CKSSD_HOME="checkout") == [".ck", "--home"]


def test_it_is_found_from_another_folder(caller: Caller, placed_shell: str, tmp_path: Path) -> None:
    code = f'set -eu\n. "{caller.checkout}/activate"\n{SHOW}'
    done = caller.run(placed_shell, code, "x", folder=tmp_path, CDPATH=str(tmp_path / "a folder"))
    assert (done.returncode, done.stderr, done.stdout.splitlines()[1:]) == (0, "", ["x"])


def test_a_cd_of_ones_own_that_prints_changes_nothing(caller: Caller, shell: str) -> None:
    code = f"set -eu\ncd() {{ echo moved; }}\nchpwd() {{ echo moved; }}\n. ./activate\n{SHOW}"
    assert caller.tools(shell, code, "x") == [".ck", "x"]


def test_what_cannot_be_activated_fails_in_the_caller(caller: Caller, shell: str) -> None:
    done = caller.run(shell, ". ./activate || echo refused\n", CKSSD_HOME="mine")
    assert done.stdout == "refused\n"
    assert done.stderr.startswith("activate: unknown option mine (there is --home")
    (caller.checkout / ".venv").unlink()
    done = caller.run(shell, ". ./activate || echo refused\n")
    assert done.stdout == "refused\n"
    assert done.stderr.startswith("activate: run 'make setup' first")


def test_a_mistaken_option_at_a_prompt_is_named(caller: Caller, placed_shell: str) -> None:
    command = [placed_shell, "-ic", ". ./activate --hom; echo $?"]
    done = subprocess.run(command, cwd=caller.checkout, capture_output=True, text=True)
    assert done.stdout == "1\n"
    assert "activate: unknown option --hom (there is --home" in done.stderr
