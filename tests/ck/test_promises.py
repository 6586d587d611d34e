"""What an install promises, broken by real signals to real ``ck install`` processes in an awkward home.

The names of these tests are those of the rows of the table "What can go wrong".
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ckssd.errors import VerificationError
from ckssd.install import changes, installed
from ckssd.install.provenance import FILE_NAME
from ckssd.install.transaction import ASIDE, STAGING_PREFIX, work_folder
from tests.support.http_server import LocalServer, Page
from tests.support.local_index import make_remote_lock, make_wheel
from tests.support.processes import Started, StopAt, wait_for
from tests.support.sandbox import CHECKOUT, Sandbox
from tests.support.tiny_packages import TinyPackages

AWKWARD = 'it\'s a "höme"'
AGAIN = "--env.CK_REINSTALL=yes"
UNPACKING = StopAt("open", r"/staging-.*/two\.txt w")
RENAMING = StopAt("os.rename", r"/staging-[^/]+ /")
EXCHANGING = StopAt("ctypes.dlsym", "renameat2")
REGISTERING = StopAt("os.mkdir", r"/local/env/[0-9a-f]{16} ")
WRITING_THE_ENTRY = StopAt("open", r"/local/env/[0-9a-f]{16}/\.cm/meta\.json w")
WRITING_ITS_SCRIPT = StopAt("open", r"/local/env/[0-9a-f]{16}/env\.sh w")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyPackages]:
    """A home whose path has spaces, quotes and letters beyond ASCII; each test adds its own packages."""
    made = TinyPackages(Sandbox(tmp_path_factory.mktemp("promises") / AWKWARD))
    yield made
    made.remove()


def archive(content: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("one.txt", "two.txt"):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return packed.getvalue()


@pytest.fixture
def add_archive(tiny: TinyPackages, server: LocalServer) -> Callable[[str], None]:
    """Make a package of an archive with two files."""

    def add(name: str) -> None:
        body = archive(f"the content of {name}")
        tiny.add_download(name, server.serve(f"{name}.tar.gz", Page(body)), body, unpack=".")

    return add


def is_whole(tiny: TinyPackages, name: str) -> bool:
    target = tiny.target(name)
    provenance = installed(target)
    return provenance is not None and changes(target, provenance) == ()


def leftovers(tiny: TinyPackages, name: str) -> list[Path]:
    work = work_folder(tiny.target(name))
    return [*work.glob(f"{STAGING_PREFIX}*"), *work.glob(ASIDE), *(tiny.cache / "partial").glob("*")]


def assert_old_or_none(tiny: TinyPackages, name: str, *, old: bool) -> None:
    if old:
        assert is_whole(tiny, name)
    else:
        assert not tiny.target(name).exists()
    assert tiny.registered(name) == ([tiny.target(name)] if old else [])


def assert_next_install_mends(tiny: TinyPackages, name: str, *words: str) -> None:
    tiny.install(name, *words)
    assert is_whole(tiny, name)
    assert tiny.registered(name) == [tiny.target(name)]
    assert leftovers(tiny, name) == []


def entries_of(tiny: TinyPackages) -> Path:
    return tiny.sandbox.folder / "repos" / "local" / "env"


def assert_no_half_entry_stays(tiny: TinyPackages, name: str) -> None:
    """What CK had begun to write when it was killed; another process may still be at it for a minute."""
    for entry in entries_of(tiny).glob("*/.cm"):
        os.utime(entry, (0, 0))
    tiny.install(name)
    assert [entry for entry in entries_of(tiny).glob("*") if not (entry / ".cm" / "meta.json").exists()] == []


def kill_at(process: Started) -> None:
    process.wait_until_stopped()
    assert process.kill() == -signal.SIGKILL


def test_sigkill_during_download(tiny: TinyPackages, server: LocalServer) -> None:
    body = bytes(range(256)) * 4000
    url = server.serve("big.bin", Page(body, stall_at=600_000))
    tiny.add_download("killed-download", url, body, place="one.txt")
    process = tiny.start("killed-download")
    wait_for(lambda: [file for file in (tiny.cache / "partial").glob("*.part") if file.stat().st_size])
    wait_for(lambda: sum(file.stat().st_size for file in (tiny.cache / "partial").glob("*.part")) == 600_000)
    assert process.kill() == -signal.SIGKILL
    assert_old_or_none(tiny, "killed-download", old=False)
    server.serve("big.bin", body)
    assert_next_install_mends(tiny, "killed-download")
    assert server.requests[-1].range_start == 600_000


@pytest.fixture(params=[False, True], ids=["first", "again"])
def old(request: pytest.FixtureRequest) -> bool:
    """Whether the package is installed already when the install to be killed begins."""
    return bool(request.param)


def assert_kill_leaves_old_or_none(tiny: TinyPackages, name: str, point: StopAt, *, old: bool) -> None:
    if old:
        tiny.install(name)
    kill_at(tiny.start(name, AGAIN, stop_at=point))
    assert len(leftovers(tiny, name)) == 1
    assert_old_or_none(tiny, name, old=old)
    assert_next_install_mends(tiny, name, AGAIN)


def test_sigkill_during_unpack(tiny: TinyPackages, add_archive: Callable[[str], None], old: bool) -> None:
    name = f"killed-unpack-{old}".lower()
    add_archive(name)
    assert_kill_leaves_old_or_none(tiny, name, UNPACKING, old=old)


def test_sigkill_during_environment_build(tiny: TinyPackages, server: LocalServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "hello", "1.2", module="x = '" + "x" * 100_000 + "'\n")
    server.serve(wheel.name, Page(wheel.read_bytes(), stall_at=500))
    tiny.add_environment("killed-build", make_remote_lock(server, wheel))
    process = tiny.start("killed-build")
    wait_for(lambda: server.asked(wheel.name))
    wait_for(lambda: list(work_folder(tiny.target("killed-build")).glob("staging-*/bin/python")))
    assert process.kill() == -signal.SIGKILL
    assert_old_or_none(tiny, "killed-build", old=False)
    server.serve(wheel.name, wheel.read_bytes())
    assert_next_install_mends(tiny, "killed-build")


def test_sigkill_before_rename(tiny: TinyPackages, add_archive: Callable[[str], None], old: bool) -> None:
    name = f"killed-before-{old}".lower()
    add_archive(name)
    assert_kill_leaves_old_or_none(tiny, name, EXCHANGING if old else RENAMING, old=old)


@pytest.mark.parametrize(
    "point",
    [REGISTERING, WRITING_THE_ENTRY, WRITING_ITS_SCRIPT],
    ids=["nothing-yet", "half-an-entry", "entry-without-script"],
)
def test_sigkill_after_rename_before_registration(
    tiny: TinyPackages, add_archive: Callable[[str], None], request: pytest.FixtureRequest, point: StopAt
) -> None:
    name = f"killed-after-{request.node.callspec.id}"
    add_archive(name)
    kill_at(tiny.start(name, stop_at=point))
    assert is_whole(tiny, name)
    assert "Already installed and whole" in tiny.install(name).text
    assert tiny.registered(name) == [tiny.target(name)]
    assert leftovers(tiny, name) == []
    assert_no_half_entry_stays(tiny, name)
    done = tiny.sandbox.in_environment(f"tiny,{name}", 'cat "$CK_ENV_TINY_FILE"')
    assert (done.code, done.out.splitlines()[-1]) == (0, f"the content of {name}")


def test_sigint(tiny: TinyPackages, server: LocalServer) -> None:
    output = interrupted_by(signal.SIGINT, tiny, server)
    assert output.endswith("CK error: [package] interrupted!\n")


def test_sigterm(tiny: TinyPackages, server: LocalServer) -> None:
    assert "Traceback" not in interrupted_by(signal.SIGTERM, tiny, server)


def interrupted_by(number: int, tiny: TinyPackages, server: LocalServer) -> str:
    """Send a signal during a download; check what it leaves; return what was printed."""
    name, body = f"interrupted-{number}", bytes(range(255 - number)) * 4000
    url = server.serve(f"{name}.bin", Page(body, stall_at=500_000))
    tiny.add_download(name, url, body, place="one.txt")
    process = tiny.start(name)
    wait_for(lambda: sum(file.stat().st_size for file in (tiny.cache / "partial").glob("*.part")) == 500_000)
    process.signal(number)
    code, output = process.finish()
    assert code == 128 + number
    assert_old_or_none(tiny, name, old=False)
    assert not list(work_folder(tiny.target(name)).glob(f"{STAGING_PREFIX}*"))
    server.serve(f"{name}.bin", body)
    assert_next_install_mends(tiny, name)
    assert server.requests[-1].range_start == 500_000
    return output


def test_8_installs_of_one_package_at_once(
    tiny: TinyPackages, server: LocalServer, add_archive: Callable[[str], None]
) -> None:
    add_archive("eight")
    processes = [tiny.start("eight") for _ in range(8)]
    ends = [process.finish() for process in processes]
    assert [code for code, _ in ends] == [0] * 8, ends
    assert sum("==> Installing" in output for _, output in ends) == 1
    assert is_whole(tiny, "eight")
    assert tiny.registered("eight") == [tiny.target("eight")]
    assert len(server.requests) == 1
    assert leftovers(tiny, "eight") == []


def test_two_different_at_once(tiny: TinyPackages, add_archive: Callable[[str], None]) -> None:
    add_archive("slow")
    add_archive("quick")
    slow = tiny.start("slow", stop_at=UNPACKING)
    slow.wait_until_stopped()
    tiny.install("quick")
    assert is_whole(tiny, "quick")
    slow.go_on()
    assert slow.finish()[0] == 0
    assert is_whole(tiny, "slow")
    assert tiny.registered("slow") == [tiny.target("slow")]


def test_repeated_install_returns_at_once(
    tiny: TinyPackages, server: LocalServer, add_archive: Callable[[str], None]
) -> None:
    add_archive("repeated")
    tiny.install("repeated")
    shutil.rmtree(tiny.cache)  # needs nothing of what the first one needed
    del server.pages["repeated.tar.gz"]
    before = tiny.target("repeated").stat()
    done = tiny.install("repeated")
    assert "Already installed and whole" in done.text
    assert tiny.target("repeated").stat().st_ino == before.st_ino
    assert len(server.requests) == 1


IN_USE = """
import sys, time
from pathlib import Path
begun, go_on = map(Path, sys.argv[1:])
begun.touch()
while not go_on.exists():
    time.sleep(0.01)
import hello
print(hello.__file__)
"""


def test_reinstall_while_an_environment_is_in_use(
    tiny: TinyPackages, server: LocalServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "hello", "1.3", module="pass\n")
    server.serve(wheel.name, wheel.read_bytes())
    tiny.add_environment("used", make_remote_lock(server, wheel))
    tiny.install("used")
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    words = shlex.join(["-c", IN_USE, str(begun), str(go_on)])
    command = f'"$CK_ENV_TINY_PYTHON_FILE" {words}'
    user = tiny.sandbox.start("ck", "virtual", "env", "--tags=tiny,used", f"--shell_cmd={command}")
    wait_for(begun.exists)
    (script,) = (script for script in entries_of(tiny).glob("*/env.sh") if "/used-" in script.read_text())
    with never_missing(tiny.target("used") / "bin" / "python", tiny.target("used") / FILE_NAME, script):
        for _ in range(2):
            assert "==> Installing" in tiny.install("used", AGAIN).text
    assert user.running
    go_on.touch()
    code, output = user.finish()
    assert code == 0, output
    assert Path(output.splitlines()[-1]).resolve().is_relative_to(tiny.target("used"))
    assert tiny.registered("used") == [tiny.target("used")]


@contextlib.contextmanager
def never_missing(*paths: Path) -> Iterator[None]:
    """Look for the paths again and again meanwhile; fail if one was gone once."""
    missing, stop = set(), threading.Event()

    def watch() -> None:
        while not stop.is_set():
            missing.update(path for path in paths if not path.exists())

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    stop.set()
    watcher.join()
    assert missing == set()


def test_home_with_spaces_quotes_and_non_ascii_letters(tmp_path: Path) -> None:
    """A checkout set up, activated and used there, by the shell of a user whose own home is there, too."""
    home = tmp_path / AWKWARD
    checkout = home / "ck-ssd"
    checkout.mkdir(parents=True)
    for name in (".cm", ".ckr.json", "activate", "module", "os", "package", "soft", "src"):
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copyfile
        copy(CHECKOUT / name, checkout / name)
    (checkout / ".venv").symlink_to(Path(sys.executable).parents[1])
    (checkout / ".ck").mkdir()
    script = """
        cd "$HOME/ck-ssd"
        .venv/bin/python -m ckssd.ck.home register "$PWD"
        . ./activate
        ck install package --tags=labelmap,coco
        ck virtual env --tags=labelmap --shell_cmd='head -n 1 "$CK_ENV_LABELMAP_FILE"'
    """
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "item {"
    assert (checkout / ".ck" / "tools" / "labelmap-coco-2017-linux-64" / FILE_NAME).exists()


@pytest.mark.parametrize(
    "damage", [lambda body: body[:-1] + b"x", lambda body: body[:9]], ids=["byte", "end"]
)
def test_corrupted_cache_file(
    tiny: TinyPackages,
    server: LocalServer,
    add_archive: Callable[[str], None],
    request: pytest.FixtureRequest,
    damage: Callable[[bytes], bytes],
) -> None:
    name = f"corrupted-{request.node.callspec.id}"
    add_archive(name)
    tiny.install(name)
    whole = server.pages[f"{name}.tar.gz"].body
    cached = tiny.cache / "sources" / "sha256" / hashlib.sha256(whole).hexdigest()
    cached.chmod(0o644)
    cached.write_bytes(damage(whole))
    assert f"{cached}: the cached file is damaged" in tiny.install(name, AGAIN).text
    assert cached.read_bytes() == whole
    assert len(server.requests) == 2
    assert is_whole(tiny, name)
    assert tiny.registered(name) == [tiny.target(name)]
    assert leftovers(tiny, name) == []


def test_tampered_installation(tiny: TinyPackages, add_archive: Callable[[str], None]) -> None:
    add_archive("tampered")
    tiny.install("tampered")
    assert tiny.sandbox.ckssd("verify", "--tags=tiny,tampered").code == 0
    target = tiny.target("tampered")
    (target / "one.txt").write_text("something else")
    (target / "two.txt").unlink()
    (target / "three.txt").touch()
    done = tiny.sandbox.ckssd("verify", "--tags=tiny,tampered", "--json")
    assert done.code == VerificationError.exit_code
    (verdict,) = json.loads(done.out)["data"]["installed"]
    assert [(change["path"], change["what"]) for change in verdict["changes"]] == [
        ("one.txt", "changed"),
        ("three.txt", "added"),
        ("two.txt", "missing"),
    ]
    tiny.install("tampered", AGAIN)
    assert tiny.sandbox.ckssd("verify", "--tags=tiny,tampered").code == 0
