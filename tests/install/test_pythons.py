"""Finding and choosing interpreters: real ones, in folders laid out as pyenv, uv and the system do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.install import Python, choose_python, find_pythons, python_at
from ckssd.install.pythons import base_interpreter


def fake(path: Path, version: str, implementation: str = "CPython") -> Path:
    """A program that answers the probe as a Python of that version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho \'["{implementation}", "{version}"]\'\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(folder):
    """A home and a PATH with interpreters of every kind; returns its environment variables."""
    home = folder / "home"
    fake(home / ".pyenv/versions/3.7.16/bin/python3.7", "3.7.16")
    (home / ".pyenv/versions/3.7.16/bin/python3").symlink_to("python3.7")
    fake(home / ".pyenv/versions/pypy/bin/python3", "3.9.1", "PyPy")
    shim = fake(home / ".pyenv/shims/python3", "")
    shim.write_text("#!/bin/sh\nexit 127\n")
    fake(home / ".local/share/uv/python/cpython-3.90.2-linux/bin/python3.90", "3.90.2")
    fake(folder / "bin/python3.89", "3.89.0")
    (folder / "bin/python3").symlink_to("python3.89")
    fake(folder / "bin/python3-config", "3.1.0")
    fake(folder / "bin/python3.88", "3.88.0").chmod(0o644)
    (folder / "bin/python3.87").symlink_to("nowhere")
    path = f"{home}/.pyenv/shims::{folder}/bin:/no/such/folder"
    return {"HOME": str(home), "PATH": path}


def test_every_kind_of_place_is_looked_through(machine):
    found = {python.version: python for python in find_pythons(machine)}
    assert found["3.7.16"].source == "pyenv"
    assert found["3.90.2"].source == "uv"
    assert found["3.89.0"].source == "PATH"
    assert not {"3.9.1", "3.1.0", "3.88.0", "3.87.0"} & found.keys()


def test_each_interpreter_is_listed_once_newest_first(machine):
    found = find_pythons(machine)
    assert len({python.path for python in found}) == len(found)
    assert [python.version for python in found][:2] == ["3.90.2", "3.89.0"]
    assert found[0].minor == "3.90"


def test_shims_are_skipped(machine):
    assert not any("shims" in python.path.parts for python in find_pythons(machine))


def test_places_can_be_named_by_variables(machine, folder):
    fake(folder / "p/versions/3.91.0/bin/python3", "3.91.0")
    fake(folder / "u/cpython-3.92.0/bin/python3", "3.92.0")
    moved = {**machine, "PYENV_ROOT": str(folder / "p"), "UV_PYTHON_INSTALL_DIR": str(folder / "u")}
    versions = {python.version for python in find_pythons(moved)}
    assert {"3.91.0", "3.92.0"} <= versions
    assert not {"3.7.16", "3.90.2"} & versions


@pytest.mark.parametrize("copies", [[], ["--copies"]])
def test_virtual_environment_stands_for_its_base(folder, python, copies):
    subprocess.run([python.path, "-m", "venv", "--without-pip", *copies, folder / "venv"], check=True)
    inside = folder / "venv" / "bin" / "python3"
    assert base_interpreter(inside) == python.path
    found = find_pythons({"HOME": str(folder), "PATH": str(inside.parent)})
    assert not any(folder in item.path.parents for item in found)
    assert any(item.path == python.path for item in found)


def test_real_version_of_this_python():
    found = python_at(Path(sys.executable))
    assert found is not None
    assert found.version == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    "content", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho no json\n", "#!/bin/sh\necho 1\n", "junk"]
)
def test_broken_interpreters_are_none(folder, content):
    (folder / "python3").write_text(content)
    (folder / "python3").chmod(0o755)
    assert python_at(folder / "python3") is None
    assert python_at(folder / "missing") is None


def test_search_takes_no_more_than_a_moment():
    began = time.monotonic()
    assert find_pythons()
    assert time.monotonic() - began < 30


FOUND = tuple(
    Python(Path(f"/x/{version}"), version, "pyenv")
    for version in ("3.14.0rc1", "3.13.0", "3.11.9", "3.11.10", "3.9.1", "3.7.16")
)


@pytest.mark.parametrize(
    ("requires", "version"),
    [
        (">=3.10,<3.13", "3.11.10"),
        ("==3.7.*", "3.7.16"),
        ("", "3.13.0"),
        ("<3.11.10", "3.11.9"),
        ("==3.11.9", "3.11.9"),
    ],
)
def test_newest_patch_of_the_newest_fitting_minor(requires, version):
    assert choose_python(requires, found=FOUND).version == version
    assert choose_python(requires, found=FOUND[::-1]).version == version


def test_first_found_wins_among_equals():
    twins = (Python(Path("/path"), "3.11.1", "PATH"), Python(Path("/pyenv"), "3.11.1", "pyenv"))
    assert choose_python(">=3.10", found=twins).source == "PATH"


def test_preferred_wins_when_it_fits(machine):
    preferred = Path(machine["HOME"], ".pyenv/versions/3.7.16/bin/python3")
    assert choose_python(">=3.7", preferred, FOUND).version == "3.7.16"
    assert choose_python(">=3.10,<3.13", preferred, FOUND).version == "3.11.10"


def test_nothing_fitting_says_what_was_wanted_found_and_how_to_get_one():
    with pytest.raises(EnvironmentSetupError) as caught:
        choose_python("==3.5.*", found=FOUND, install_missing=False)
    assert "==3.5.*" in str(caught.value)
    assert "3.11.10 (/x/3.11.10)" in str(caught.value)
    assert "uv python install" in str(caught.value)


def test_nothing_is_installed_offline(monkeypatch):
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    with pytest.raises(EnvironmentSetupError):
        choose_python("==3.5.*", found=())


def test_malformed_wish_is_named():
    with pytest.raises(UsageError, match="three"):
        choose_python("three")
