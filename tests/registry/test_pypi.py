"""Files of PyPI by the real pip, from a folder that stands for the index."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from ckssd.errors import NetworkError, UsageError, VerificationError
from ckssd.fetch import Purl, Source
from ckssd.registry import download_from_registry
from ckssd.registry.pypi import choice_of, telling_lines
from tests.support.local_index import make_buildable_sdist, make_wheel

pytestmark = pytest.mark.slow

PURL = Purl("pypi", "tiny", "1.0")


def source_of(file: Path) -> Source:
    data = file.read_bytes()
    return Source(file.name, (), len(data), hashlib.sha256(data).hexdigest(), purl=PURL)


@pytest.fixture
def index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of published files, the only index that pip is told of."""
    made = folder / "index"
    made.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", made.as_uri())  # pip splits it at spaces
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return made


@pytest.fixture
def work(folder: Path) -> Path:
    made = folder / "work"
    made.mkdir()
    return made


def test_the_wheel_of_another_machine_and_python_comes_as_it_is(index: Path, work: Path) -> None:
    here = make_wheel(index, "tiny", "1.0")
    other = index / "tiny-1.0-cp36-cp36m-macosx_10_6_intel.macosx_10_9_x86_64.whl"
    other.write_bytes(here.read_bytes().replace(b"hello", b"hullo"))
    make_wheel(index, "tiny", "2.0")
    assert download_from_registry(source_of(other), work).read_bytes() == other.read_bytes()


def test_a_source_archive_comes_as_it_is(index: Path, work: Path) -> None:
    make_wheel(index, "tiny", "1.0")
    archive = make_buildable_sdist(index, "tiny", "1.0")
    assert download_from_registry(source_of(archive), work).read_bytes() == archive.read_bytes()


def test_another_hash_is_refused_before_the_file_is_looked_into(index: Path, work: Path) -> None:
    archive = make_buildable_sdist(index, "tiny", "1.0", backend="raise SystemExit('it was built')")
    wrong = replace(source_of(archive), sha256="0" * 64)
    with pytest.raises(VerificationError) as caught:
        download_from_registry(wrong, work)
    assert source_of(archive).sha256 in str(caught.value)
    assert "it was built" not in str(caught.value)


def test_a_version_that_does_not_exist_is_said_in_one_line(index: Path, work: Path) -> None:
    source = source_of(make_wheel(index, "tiny", "2.0"))
    with pytest.raises(NetworkError, match=r"pip could not fetch.*No matching distribution") as caught:
        download_from_registry(replace(source, purl=PURL), work)
    assert "into a folder and set CKSSD_MIRROR" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a-1-py3-none-any.whl", []),
        ("a-1-py2.py3-none-any.whl", []),
        (
            "a-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            [
                "--platform=manylinux2014_x86_64",
                "--platform=manylinux_2_17_x86_64",
                "--implementation=cp",
                "--python-version=312",
                "--abi=cp312",
            ],
        ),
        (
            "a-1-cp39-abi3-win_amd64.whl",
            ["--platform=win_amd64", "--implementation=cp", "--python-version=39", "--abi=abi3"],
        ),
        ("a-1-py3-none-manylinux1_x86_64.whl", ["--platform=manylinux1_x86_64"]),
    ],
)
def test_the_tags_of_a_wheel_choose_it_on_every_machine(name: str, options: list[str]) -> None:
    assert choice_of(name) == ["--only-binary", ":all:", *options]


def test_a_file_that_is_only_called_like_a_wheel_is_refused() -> None:
    with pytest.raises(UsageError, match="no name of a wheel"):
        choice_of("a.whl")


def test_a_broken_connection_is_shown_before_what_came_of_it() -> None:
    lines = ["WARNING: Retrying after x", "WARNING: Retrying after y", "ERROR: a", "ERROR: No matching b"]
    assert telling_lines(lines) == "Retrying after y | No matching b"


@pytest.mark.parametrize("client", ["npm", "pip"])
def test_a_client_is_locked_to_one_version_by_hash(client: str) -> None:
    text = (resources.files("ckssd.registry") / f"{client}.lock").read_text()
    assert text.count("==") == 1
    assert text.count("--hash=sha256:") >= 2
    assert "http" not in text
