"""Python environments: from a lock, movable, with the errors of uv."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, NetworkError, RunError, VerificationError
from ckssd.install import (
    Provenance,
    changes,
    create_environment,
    ensure,
    find_uv,
    install_packages_to,
    installed,
    lock_of,
    manifest,
    uv_version,
)
from tests.support.http_server import Page
from tests.support.local_index import make_lock, make_sdist, make_wheel

pytestmark = pytest.mark.slow


@pytest.fixture
def lock(folder):
    return make_lock(
        folder / "the lock.txt", make_wheel(folder, "hello", "1.2"), make_wheel(folder, "other", "3")
    )


def output_of(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True, **options
    )
    return done.stdout.strip()


def test_environment_works_after_a_move_into_a_folder_with_spaces(folder, lock, python):
    made = create_environment(python, lock, folder / "staging" / "env", quiet=True)
    final = folder / "its final place" / "env"
    final.parent.mkdir()
    made.root.parent.rename(folder / "other name")
    (folder / "other name" / "env").rename(final)
    assert output_of(final / "bin/hello", cwd="/") == f"hello from {final}"
    assert output_of(final / "bin/python", "-c", "import sys, hello; print(sys.prefix)") == str(final)
    activate = 'source "$1/bin/activate"; echo "$VIRTUAL_ENV"; command -v hello; hello'
    assert output_of("bash", "-c", activate, "bash", final).splitlines() == [
        str(final),
        str(final / "bin/hello"),
        f"hello from {final}",
    ]


def test_environment_has_exactly_what_is_locked(folder, lock, python):
    made = create_environment(python, lock, folder / "env", quiet=True)
    assert lock_of(made.root) == ("hello==1.2", "other==3")


def test_files_are_hard_links_from_the_cache_of_uv(folder, lock, python):
    one = create_environment(python, lock, folder / "one", quiet=True)
    two = create_environment(python, lock, folder / "two", quiet=True)
    uv_cache = Path(output_of(find_uv(), "cache", "dir"))
    if folder.stat().st_dev != uv_cache.stat().st_dev:
        pytest.skip("uv's cache is on another file system")
    assert (one.site_packages / "hello.py").samefile(two.site_packages / "hello.py")


def test_environment_is_built_on_the_python_given(folder, lock, python):
    made = create_environment(python.path, lock, folder / "env", quiet=True)
    assert output_of(made.python, "-c", "import platform; print(platform.python_version())") == python.version


def test_variables_of_another_environment_do_not_mislead(folder, lock, python, monkeypatch):
    monkeypatch.setenv("VIRTUAL_ENV", "/no/such/environment")
    monkeypatch.setenv("PYTHONPATH", "/no/such/path")
    monkeypatch.setenv("UV_SYSTEM_PYTHON", "1")
    assert lock_of(create_environment(python, lock, folder / "env", quiet=True).root)


def test_a_pyproject_nearby_changes_nothing(folder, lock, python, monkeypatch):
    (folder / "pyproject.toml").write_text('[tool.uv]\nrequired-version = "==0.0.1"\n')
    monkeypatch.chdir(folder)
    assert lock_of(create_environment(python, lock, folder / "env", quiet=True).root)


def test_wrong_hash_is_refused(folder, python):
    lock = make_lock(folder / "lock.txt", make_wheel(folder, "hello", "1.2"), digest="ab" * 32)
    with pytest.raises(VerificationError, match="hello"):
        create_environment(python, lock, folder / "env", quiet=True)


def test_package_without_hash_is_refused(folder, python):
    wheel = make_wheel(folder, "hello", "1.2")
    lock = folder / "lock.txt"
    lock.write_text(f"--no-index\n--find-links {wheel.parent.as_uri()}\nhello==1.2\n")
    with pytest.raises(RunError, match="hash"):
        create_environment(python, lock, folder / "env", quiet=True)


def test_source_package_is_refused_unless_allowed(folder, python):
    lock = make_lock(folder / "lock.txt", make_sdist(folder, "hello", "1.2"))
    with pytest.raises(RunError, match="hello"):
        create_environment(python, lock, folder / "env", quiet=True)


def test_errors_have_the_last_lines_of_uv(folder, python, capfd):
    lock = make_lock(folder / "lock.txt", make_wheel(folder, "hello", "1.2"))
    (folder / "hello-1.2-py3-none-any.whl").unlink()
    with pytest.raises(RunError) as caught:
        create_environment(python, lock, folder / "env")
    assert "hello" in caught.value.got
    assert "exit status" in caught.value.got
    assert "hello" in capfd.readouterr().err


def test_missing_lock_is_named(folder, python):
    with pytest.raises(EnvironmentSetupError, match="no such lock"):
        create_environment(python, folder / "no such lock", folder / "env", quiet=True)


def test_missing_interpreter_is_an_error_of_ours(folder, lock):
    with pytest.raises(RunError):
        create_environment(folder / "python", lock, folder / "env", quiet=True)


def test_offline_is_passed_on_to_uv(folder, python, monkeypatch):
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    lock = folder / "lock.txt"
    lock.write_text("hello-no-such==1 --hash=sha256:" + "ab" * 32 + "\n")
    with pytest.raises(NetworkError, match="CKSSD_OFFLINE"):
        create_environment(python, lock, folder / "env", quiet=True)


def test_packages_into_a_plain_folder(folder, lock, python):
    install_packages_to(folder / "plain", lock, python, quiet=True)
    assert lock_of(folder / "plain") == ("hello==1.2", "other==3")
    code = "import hello; print(hello.__file__)"
    path = output_of(sys.executable, "-c", code, env={"PYTHONPATH": str(folder / "plain")})
    assert Path(path) == folder / "plain" / "hello.py"


def test_tampered_environment_is_named_file_by_file(folder, lock, python, identity):
    made = create_environment(python, lock, folder / "env", quiet=True)
    provenance = Provenance(identity, files=manifest(made.root))
    output_of(made.bin / "hello")
    assert changes(made.root, provenance) == ()
    module = made.site_packages / "hello.py"
    text = module.read_text()
    module.unlink()  # a hard link into uv's cache: never write through it
    module.write_text(text + "#")
    (made.site_packages / "other.py").unlink()
    (made.site_packages / "evil.pth").write_text("import evil")
    made.python.unlink()
    made.python.symlink_to("/bin/false")
    found = {(Path(change.path).name, change.what) for change in changes(made.root, provenance)}
    assert found == {
        ("hello.py", "changed"),
        ("other.py", "missing"),
        ("evil.pth", "added"),
        ("python", "changed"),
    }


def test_uv_is_found_and_has_a_version():
    assert find_uv().is_file()
    assert uv_version()[0].isdigit()


def test_no_whole_environment_is_named(folder):
    (folder / "pyvenv.cfg").write_text("")
    with pytest.raises(EnvironmentSetupError):
        lock_of(folder)


BUILDER = """
import sys
from pathlib import Path
from ckssd.install import Identity, Provenance, create_environment, ensure
target, lock, python = map(Path, sys.argv[1:])
identity = Identity("lib-x", "0123456789abcdef", "1.0", "")
def fill(staging):
    create_environment(python, lock, staging / "env", quiet=True)
    return Provenance(identity)
ensure(target, identity, fill)
"""


def processes_naming(text: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_kill_during_the_environment_build(folder, lock, python, server, identity, number):
    server.serve("simple/hello/", Page(b"<html></html>", stall_at=0))
    stalled = folder / "stalled.txt"
    stalled.write_text(f"--index-url {server.url('simple')}\nhello==1.2 --hash=sha256:{'ab' * 32}\n")
    target = folder / "target"
    command = [sys.executable, "-c", BUILDER, target, stalled, python.path]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder) as process:
        end = time.monotonic() + 60
        while not server.asked("simple/hello/"):
            assert time.monotonic() < end, "uv never asked"
            time.sleep(0.02)
        process.send_signal(number)
        process.wait()
    assert not target.exists()
    if number != signal.SIGKILL:
        assert processes_naming(str(target.parent / ".ckssd")) == []

    def fill(staging: Path) -> Provenance:
        create_environment(python, lock, staging / "env", quiet=True)
        return Provenance(identity)

    assert ensure(target, identity, fill).fresh
    assert installed(target, identity)
    assert output_of(target / "env/bin/hello") == f"hello from {target / 'env'}"
    assert [path.name for path in (folder / ".ckssd/target").iterdir()] == ["lock"]
