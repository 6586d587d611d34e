"""Passwords and signatures of one's own sources: nothing keeps or shows them, come what may."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ckssd.errors import NetworkError, RunError
from ckssd.fetch.git import GitSource, clone_commit
from ckssd.install.uv import run_uv
from tests.support.http_server import LocalServer, Page, basic
from tests.support.sandbox import CHECKOUT, Done, Sandbox

WORD = "s3cr3t-w0rd"
LOGIN = f"some-user:{WORD}"
SIGNATURE = f"?X-Amz-Date=20261126&X-Amz-Signature={WORD}"
TAGS = "model,tensorflow,mlperf,ssd-mobilenet,non-quantized"
FILES = CHECKOUT / "package" / "model-tf-ssd-mobilenet-v1-shapes" / "files"
NAME = "ssd_mobilenet_v1_coco_2018_01_28.tar.gz"


def checkpoint() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path in FILES.iterdir():
            if path.name != "labelmap.pbtxt":
                tar.add(path, f"{NAME.partition('.')[0]}/{path.name}")
    return packed.getvalue()


BODY = checkpoint()
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(scope="module")
def private() -> Iterator[LocalServer]:
    """A server that gives nothing without its password or signature."""
    with LocalServer() as server:
        server.serve(f"a/{NAME}", Page(BODY, login=LOGIN))
        server.serve(f"a/{NAME}{SIGNATURE}", BODY)
        signed = ("Location", server.url(f"a/{NAME}{SIGNATURE}"))
        server.serve("moved", Page(b"", status=302, headers=(signed,)))
        server.serve("lost", Page(b"", status=302, headers=(("Location", f"ftp://h/x{SIGNATURE}"),)))
        server.serve(f"silent{SIGNATURE}", Page(BODY, stall_at=1000))
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("secrets") / "a ck home")
    yield made
    made.remove()


@pytest.fixture(params=["ck", "ckssd"])
def install(home: Sandbox, request: pytest.FixtureRequest) -> Callable[..., Done]:
    """Installs the package anew from elsewhere, with nothing in the cache."""

    def run(url: str, digest: str = DIGEST, **variables: str) -> Done:
        shutil.rmtree(home.cache, ignore_errors=True)
        return by(request.param, home, url, digest, **variables)

    return run


def by(tool: str, home: Sandbox, url: str, digest: str, **variables: str) -> Done:
    options = {"PACKAGE_URL": url, "PACKAGE_SHA256": digest, "CK_REINSTALL": "yes"}
    pairs = [f"{name}={value}" for name, value in options.items()]
    if tool == "ck":
        words = [f"--env.{pair}" for pair in pairs]
        return home.ck("install", "package", f"--tags={TAGS}", *words, **variables)
    words = [word for pair in pairs for word in ("--env", pair)]
    return home.ckssd("install", f"--tags={TAGS}", "--json", *words, **variables)


def with_login(url: str) -> str:
    return url.replace("://", f"://{LOGIN}@")


def assert_nowhere(home: Sandbox, *printed: Done) -> None:
    """The word, as it is and as HTTP carries it, is in no file of the home and nothing that was printed."""
    forms = [WORD.encode(), basic(LOGIN).split()[1].encode()]
    for done in printed:
        assert WORD not in done.text, done.text
    files = [
        file
        for place in (home.folder, home.home.repos)
        for file in place.rglob("*")
        if file.is_file() and file.suffix != ".netrc"
    ]
    assert len(files) > 10
    assert [file for file in files if any(form in file.read_bytes() for form in forms)] == []
    assert [file for file in files if WORD in str(file)] == []


def installed(home: Sandbox) -> list[Path]:
    return sorted((home.folder / "tools").resolve().glob("model-*/provenance.json"))


def test_a_password_and_a_signature_leave_no_trace_and_make_no_other_installation(
    home: Sandbox, private: LocalServer, install: Callable[..., Done]
) -> None:
    url = private.url(f"a/{NAME}")
    done = [install(with_login(url)), install(url + SIGNATURE)]
    assert [each.code for each in done] == [0, 0], done
    assert_nowhere(home, *done)
    found = [json.loads(file.read_text()) for file in installed(home)]
    (provenance,) = [each for each in found if NAME in each["entry"]["options"]["PACKAGE_URL"]]
    assert provenance["entry"]["options"] == {"PACKAGE_URL": url, "PACKAGE_SHA256": DIGEST}
    assert provenance["sources"][0]["url"] == url


def test_a_redirect_to_a_signed_address_and_a_mirror_with_a_password_leave_no_trace(
    home: Sandbox, private: LocalServer, install: Callable[..., Done]
) -> None:
    redirected = install(private.url("moved"))
    mirrored = install("http://127.0.0.1:9/x.tar.gz", CKSSD_MIRROR=with_login(private.url("a/")))
    assert (redirected.code, mirrored.code) == (0, 0), (redirected, mirrored)
    assert_nowhere(home, redirected, mirrored)


def test_failures_leave_no_trace_and_say_what_to_do(home: Sandbox, private: LocalServer) -> None:
    good = private.url(f"a/{NAME}")
    cases = {
        "1": ("ck", with_login(good).replace("some-user", "another-user"), "from ~/.netrc"),
        "2": ("ckssd", with_login(good), "wrong file"),
        "3": ("ck", f"http://{LOGIN}@127.0.0.1:9/x{SIGNATURE}", "Connection refused"),
        "4": ("ckssd", private.url(f"silent{SIGNATURE}"), "could not be downloaded"),
        "5": ("ckssd", private.url("lost"), "ftp://h/x"),
        "6": ("ck", f"http://some user:{WORD}@127.0.0.1:9/x", "Connection refused"),
        "7": ("ckssd", f"{with_login(good)},{good}{SIGNATURE}", "2 addresses, 1 hashes"),
    }

    def fail(case: str) -> Done:
        tool, url, _ = cases[case]
        return by(tool, home, url, case * 64, CKSSD_STALL_SECONDS="0.3")

    with ThreadPoolExecutor(4) as pool:
        ended = dict(zip(cases, pool.map(fail, cases)))
    for case, done in ended.items():
        assert done.code != 0
        assert "Traceback" not in done.text
        assert cases[case][2] in done.text, done.text
    assert_nowhere(home, *ended.values())


def test_a_lock_has_no_secret_and_sync_takes_it_from_netrc_or_the_environment(
    sandbox: Sandbox, private: LocalServer
) -> None:
    home = sandbox
    url = private.url(f"a/{NAME}")
    assert by("ckssd", home, with_login(url), DIGEST).code == 0
    lock = str(home.folder / "of this home.lock")
    netrc = home.folder / "own.netrc"
    netrc.write_text(f"machine 127.0.0.1 login some-user password {WORD}\n")
    shown = [
        home.ckssd("lock", lock, "--json"),
        *(home.ckssd(*words, "--json") for words in (["info"], ["sources"], ["cache", "list"])),
        home.ckssd("install", f"--tags={TAGS}", "--dry-run", "--env", f"PACKAGE_URL={with_login(url)}",
                   "--env", f"PACKAGE_SHA256={DIGEST}"),
        home.ckssd("install", f"PACKAGE_URL={with_login(url)}"),
    ]  # fmt: skip
    assert [done.code for done in shown] == [0, 0, 0, 0, 0, 2], shown
    assert url in Path(lock).read_text()

    def sync(**variables: str) -> Done:
        shutil.rmtree(home.cache)
        (folder,) = [file.parent for file in installed(home)] or [home.folder / "none"]
        shutil.rmtree(folder, ignore_errors=True)
        return home.ckssd("sync", lock, "--json", **variables)

    refused, by_netrc = sync(), sync(NETRC=str(netrc))
    by_variable = sync(PACKAGE_URL=url + SIGNATURE)
    assert refused.code == 6
    assert "it wants a name and a password, best from ~/.netrc" in refused.text
    assert (by_netrc.code, by_variable.code) == (0, 0), (by_netrc, by_variable)
    assert_nowhere(home, *shown, refused, by_netrc, by_variable)


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "HTTP_PROXY"])
def test_what_uv_says_of_an_index_or_a_proxy_has_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://index.invalid/simple")
    monkeypatch.setenv(variable, f"http://{LOGIN}@127.0.0.1:9/simple")
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("six==1.17.0\n")
    with pytest.raises(RunError) as failed:
        run_uv(["pip", "compile", str(wanted), "--verbose"])
    assert WORD not in f"{failed.value}{failed.value.as_dict()}{capsys.readouterr()}"
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert [file for file in kept if WORD.encode() in file.read_bytes()] == []


def test_a_git_repository_with_a_password_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, copy = tmp_path / "upstream", tmp_path / "copy"
    upstream.mkdir()
    (upstream / "file").write_text("1")
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "1"]):
        subprocess.run(["git", *words], cwd=upstream, check=True)
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=upstream, text=True).strip()
    monkeypatch.setenv("HOME", str(tmp_path))
    with served_by_git(tmp_path) as address:
        source = GitSource(with_login(f"{address}/upstream/.git"), commit)
        clone_commit(source, copy)
        with pytest.raises(NetworkError) as failed:
            clone_commit(GitSource(with_login(f"{address}/missing/.git"), commit), tmp_path / "none")
    assert (copy / "file").read_text() == "1"
    assert source.as_dict()["url"] == f"{address}/upstream/.git"
    assert address in (copy / ".git" / "config").read_text()
    assert WORD not in str(failed.value)
    files = [file for folder in (copy, tmp_path / "none") for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if WORD.encode() in file.read_bytes()] == []


@contextlib.contextmanager
def served_by_git(folder: Path) -> Iterator[str]:
    """The repositories in a folder by git's own server, for those with the password."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != basic(LOGIN):
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            variables = {
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            done = subprocess.run(
                ["git", "http-backend"], input=body, env={**os.environ, **variables}, stdout=subprocess.PIPE
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
