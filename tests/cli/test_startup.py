"""What a command does not wait for: by the modules that it has imported, not by a clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ckssd.cli.main import COMMANDS, about, command_of

HEAVY = {"PIL", "ck", "cv2", "flatbuffers", "google", "numpy", "requests", "tqdm", "urllib3", "uv"}
CODE = """
import contextlib, io, sys
from ckssd.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main({words!r})
print(*sys.modules)
"""


def imported(*words: str) -> set[str]:
    code = CODE.format(words=[*words])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], []])
def test_help_imports_no_command(words: list[str]) -> None:
    modules = imported(*words)
    assert {f"ckssd.cli.{name}" for name in COMMANDS} & modules == set()
    assert {name for name in modules if name.startswith("ckssd.")} <= {
        *("ckssd.cli", "ckssd.cli.main", "ckssd.cli.result"),
        *("ckssd.endings", "ckssd.errors", "ckssd.report", "ckssd.secrets"),
    }
    assert HEAVY & modules == set()


def test_detect_does_not_wait_for_what_its_worker_or_an_install_needs() -> None:
    modules = imported("detect", "--help")
    assert (HEAVY - {"ck"}) & modules == set()
    assert {
        name for name in modules if name.startswith(("ckssd.recipes", "ckssd.fetch", "ckssd.measure"))
    } == set()


def test_a_command_s_help_imports_no_other_command() -> None:
    assert {f"ckssd.cli.{name}" for name in COMMANDS} & imported("doctor", "--help") == {"ckssd.cli.doctor"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_help_is_that_of_the_module(name: str) -> None:
    assert about(name) == (command_of(name).__doc__ or "").splitlines()[0].rstrip(".")
    assert len(about(name)) > 10
