"""The contract of ``ckssd``: one JSON envelope, stable exit codes, help, results on standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ckssd.cli.main import COMMANDS, command_of
from ckssd.cli.result import Result, envelope
from ckssd.errors import CkssdError, InputError, error_from


def ckssd(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ckssd", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_envelope_has_exactly_these_keys() -> None:
    done = envelope("info", Result("text", {"a": 1}), [])
    assert done == {"ckssd": 1, "command": "info", "status": "ok", "data": {"a": 1}, "errors": []}
    failed = envelope(
        "info", None, [InputError("The file is bad", where="x", expected="y", got="z", advice="w")]
    )
    assert failed == {
        "ckssd": 1,
        "command": "info",
        "status": "failed",
        "data": {},
        "errors": [
            {
                "code": "input",
                "what": "The file is bad",
                "where": "x",
                "expected": "y",
                "got": "z",
                "advice": "w",
            }
        ],
    }


def test_exit_codes_are_stable() -> None:
    codes = {kind.code: kind.exit_code for kind in CkssdError.__subclasses__()}
    assert codes == {
        "usage": 2,
        "input": 3,
        "not-installed": 4,
        "verification": 5,
        "network": 6,
        "environment": 7,
        "run": 8,
    }


def test_an_error_comes_back_from_another_process_as_it_was() -> None:
    error = InputError("The file is bad", where="x", got="z")
    back = error_from(json.loads(json.dumps(error.as_dict())))
    assert type(back) is InputError
    assert str(back) == str(error) == "The file is bad: x (got z)"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = ckssd(command, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout
    assert (command_of(command).__doc__ or "").splitlines()[0] in done.stdout


def test_a_result_is_all_that_standard_output_holds(tmp_path: Path) -> None:
    done = ckssd("shapes", "--images", "2", "--seed", "5", "--json", str(tmp_path / "a set"))
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)["data"]
    assert data == {"directory": str(tmp_path / "a set"), "images": 2, "seed": 5}
    assert len(list((tmp_path / "a set" / "images").glob("*.jpg"))) == 2


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_bad_number_of_images_is_one_line(tmp_path: Path, number: str) -> None:
    done = ckssd("shapes", f"--images={number}", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.startswith("ckssd shapes: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_went_away_is_no_traceback(tmp_path: Path) -> None:
    python = f"'{sys.executable}' -m ckssd"
    command = f"{python} --help; {python} shapes --images=1 '{tmp_path}/x' --json"
    done = subprocess.run(
        ["/bin/bash", "-c", f"({command}) | true"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_a_setting_that_cannot_be_is_said_before_what_is_missing() -> None:
    done = ckssd("loadgen", "--scenario", "Ofline", "--tags", "nobody-s")
    assert done.returncode == 2
    assert "CK_LOADGEN_SCENARIO" in done.stderr
