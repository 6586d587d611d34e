"""The Python environment of a package: what may be built, by which tools, and on which Python."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ckssd.errors import EnvironmentSetupError, RunError, UsageError, VerificationError
from ckssd.install import Identity, Provenance, lock_of
from ckssd.recipes import Package, recipe_of
from ckssd.recipes.environments import make_environment, refuse_another_python
from ckssd.recipes.recipe import install
from tests.support.local_index import make_lock, make_wheel

pytestmark = pytest.mark.slow

# Makes the wheel with nothing but a module `tool`, which is what has to be installed for the build.
BACKEND = """
import tool, zipfile
from pathlib import Path

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "onlysource-1.0-py3-none-any.whl"
    info = "onlysource-1.0.dist-info"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr("onlysource.py", "")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: onlysource\\nVersion: 1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""
PROJECT = '[build-system]\nrequires = ["tool"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
METADATA = "Metadata-Version: 2.1\nName: onlysource\nVersion: 1.0\n"


def make_buildable_sdist(folder: Path) -> Path:
    path = folder / "onlysource-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {"PKG-INFO": METADATA, "pyproject.toml": PROJECT, "backend.py": BACKEND}.items():
            info = tarfile.TarInfo(f"onlysource-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv would take what another test has built from its cache."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv cache"))


def package(folder: Path, options: dict[str, str] | None = None, **section: Any) -> Package:
    section = {"python": ">=3.8", "requirements": "requirements.lock", **section}
    return Package("name", "0" * 16, "1.0", folder, {"ckssd": section}, options or {})


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    folder = tmp_path / "an entry"
    folder.mkdir()
    tool = make_wheel(folder, "tool", "2")
    make_lock(folder / "requirements.lock", make_buildable_sdist(folder))
    make_lock(folder / "build.lock", tool)
    make_lock(folder / "another-build.lock", tool, digest="0" * 64)
    return folder


def test_a_source_package_is_built_by_the_locked_tool(entry: Path, tmp_path: Path) -> None:
    make_environment(package(entry, allow_source=True, build_requirements="build.lock"), tmp_path / "made")
    assert lock_of(tmp_path / "made") == ("onlysource==1.0",)


def test_a_tool_of_the_build_that_differs_from_its_hash_is_refused(entry: Path, tmp_path: Path) -> None:
    wrong = package(entry, allow_source=True, build_requirements="another-build.lock")
    with pytest.raises(VerificationError, match="Hash mismatch for `tool==2`"):
        make_environment(wrong, tmp_path / "made")


def test_nothing_is_built_unless_the_entry_allows_it(entry: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="onlysource"):
        make_environment(package(entry), tmp_path / "made")


def test_a_missing_lock_of_the_tools_is_named(entry: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentSetupError, match=r"no\.lock"):
        make_environment(package(entry, allow_source=True, build_requirements="no.lock"), tmp_path / "made")


def test_a_named_python_is_used_or_refused_but_never_replaced(entry: Path, tmp_path: Path) -> None:
    named = {"CK_PYTHON": sys.executable}
    allowed = {"allow_source": True, "build_requirements": "build.lock"}
    made = make_environment(package(entry, named, **allowed), tmp_path / "made")
    assert made.version == ".".join(map(str, sys.version_info[:3]))
    with pytest.raises(EnvironmentSetupError, match=r"expected CPython ==3\.6\.\*, got " + made.version):
        make_environment(package(entry, named, python="==3.6.*"), tmp_path / "other")
    with pytest.raises(UsageError, match="CK_PYTHON is no CPython"):
        make_environment(package(entry, {"CK_PYTHON": str(tmp_path)}), tmp_path / "other")


def test_an_environment_of_another_python_is_not_taken_for_the_one_named(entry: Path) -> None:
    named = package(entry, {"CK_PYTHON": sys.executable}, python=">=3.8")
    running, minor = (".".join(map(str, sys.version_info[:length])) for length in (3, 2))
    made_of = {
        used: Provenance(Identity("x", "0" * 16), tools={"python": used}) for used in (running, "3.6.1")
    }
    refuse_another_python(named, made_of[running])
    refuse_another_python(named, Provenance(Identity("x", "0" * 16), tools={"python": f"{minor}.99"}))
    refuse_another_python(package(entry, python=">=3.8"), made_of["3.6.1"])
    with pytest.raises(UsageError, match=rf"expected Python {running} .*, got Python 3\.6\.1.*CK_REINSTALL"):
        refuse_another_python(named, made_of["3.6.1"])


def test_an_environment_of_an_earlier_lock_is_named_and_left_alone(
    entry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = make_lock(entry / "requirements.lock", make_wheel(entry, "one", "1.0"))
    asked = package(entry, recipe="python-environment")
    assert install(asked, tmp_path / "target", recipe_of(asked)).fresh
    assert not install(asked, tmp_path / "target", recipe_of(asked)).fresh
    assert "earlier lock" not in capsys.readouterr().err
    lock.write_text(lock.read_text() + "# another one\n")
    assert not install(asked, tmp_path / "target", recipe_of(asked)).fresh
    assert "name was installed from an earlier lock; --env.CK_REINSTALL=yes" in capsys.readouterr().err
