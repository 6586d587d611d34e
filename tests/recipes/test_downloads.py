"""What a dry run says of a package's Python environment: the same as the install, and nothing is fetched."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.recipes import Package, downloads_of
from ckssd.recipes.environments import make_environment
from tests.support.http_server import LocalServer, Page
from tests.support.local_index import make_wheel

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
# A version that no machine has.
NONE_HAS = "3.99"


def tag(version: str) -> str:
    return f"cp{version.replace('.', '')}-none-any"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv keeps what an index said; and a Python that it fetched would be seen here."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv cache"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))


@pytest.fixture
def entry(tmp_path: Path, server: LocalServer) -> Path:
    """An entry whose lock has one package with a wheel for each of two Pythons."""
    folder = tmp_path / "an entry"
    folder.mkdir()
    plain = make_wheel(folder, "tool", "1")
    wheels = [plain.with_name(f"tool-1-{tag(version)}.whl") for version in (THIS, NONE_HAS)]
    for wheel in wheels:
        shutil.copy(plain, wheel)
        server.serve(wheel.name, Page(wheel.read_bytes()))
    links = " ".join(f'<a href="/{wheel.name}">{wheel.name}</a>' for wheel in wheels)
    index = server.serve("index.html", Page(links.encode(), content_type="text/html"))
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    (folder / "requirements.lock").write_text(
        f"--no-index\n--find-links {index}\ntool==1 --hash=sha256:{digest}\n"
    )
    return folder


def package(folder: Path, requires: str, **options: str) -> Package:
    section = {"python": requires, "requirements": "requirements.lock"}
    return Package("name", "0" * 16, "1.0", folder, {"ckssd": section}, options)


def test_the_files_are_those_for_the_python_that_is_here(entry: Path) -> None:
    (file,) = downloads_of(package(entry, f"=={THIS}.*"))
    assert file.file_name == f"tool-1-{tag(THIS)}.whl"
    assert file.digest.startswith("sha256:")


def test_where_no_python_fits_it_is_named_with_its_files_and_none_is_fetched(
    entry: Path, tmp_path: Path
) -> None:
    python, file = downloads_of(package(entry, f"=={NONE_HAS}.*"))
    assert python.file_name == f"CPython {NONE_HAS}"
    assert "none is on this machine" in python.note
    assert file.file_name == f"tool-1-{tag(NONE_HAS)}.whl"
    assert not (tmp_path / "pythons").exists()


@pytest.mark.parametrize(
    ("requires", "options", "offline", "error"),
    [
        (f"=={THIS}.*", {"CK_PYTHON": "/no/python"}, "no", UsageError),
        (f"=={NONE_HAS}.*", {"CK_PYTHON": sys.executable}, "no", EnvironmentSetupError),
        (f"=={NONE_HAS}.*", {}, "yes", EnvironmentSetupError),
    ],
    ids=["named, no python", "named, does not fit", "offline"],
)
def test_what_the_install_refuses_the_dry_run_refuses_with_the_same_words(
    entry: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    requires: str,
    options: dict[str, str],
    offline: str,
    error: type[Exception],
) -> None:
    monkeypatch.setenv("CKSSD_OFFLINE", offline)
    wanted = package(entry, requires, **options)
    with pytest.raises(error) as planned:
        downloads_of(wanted)
    with pytest.raises(error) as installing:
        make_environment(wanted, tmp_path / "staging")
    assert str(planned.value) == str(installing.value)


def test_a_package_of_a_registry_is_named_with_its_size_and_no_client_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSSD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    source = {
        "file_name": "tiny-1.0.0.tgz",
        "purl": "pkg:npm/tiny@1.0.0",
        "size": 7,
        "sha256": "ab" * 32,
        "licence": "MIT",
    }
    (file,) = downloads_of(
        Package("name", "0" * 16, "1.0", tmp_path, {"ckssd": {"recipe": "download", "sources": [source]}})
    )
    assert (file.file_name, file.url, file.size) == ("tiny-1.0.0.tgz", "pkg:npm/tiny@1.0.0", 7)
    assert file.cached is False
    assert "pkg:npm/tiny@1.0.0" in file.note
