"""The install transaction, broken the hard way: real processes, real signals, a really full disk."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ckssd.errors import UsageError
from ckssd.install import (
    Identity,
    Installation,
    Provenance,
    changes,
    clean_stale,
    ensure,
    folders,
    installed,
    read_provenance,
)
from ckssd.install.transaction import ASIDE, STAGING_PREFIX, work_folder
from tests.support.own_mounts import run_with_own_mounts

pytestmark = pytest.mark.slow

# Installs two files into argv[1] and stops at the point argv[2] until its standard input ends.
INSTALLER = """
import sys
from pathlib import Path
from ckssd.install import Identity, Installation, Provenance, ensure
from ckssd.install import transaction

target, point, content, replace = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "replace"
identity = Identity("lib-x", "0123456789abcdef", "1.0", "")

def stop(name):
    if name == point:
        print(name, flush=True)
        sys.stdin.read()

def wrapped(name, function):
    def around(*arguments):
        stop("before " + name)
        result = function(*arguments)
        stop("after " + name)
        return result
    setattr(transaction, function.__name__, around)

wrapped("provenance", transaction.write_provenance)
wrapped("rename", transaction.replace_folder)

def fill(staging):
    stop("empty")
    (staging / "one").write_text(content)
    (staging / "sub").mkdir()
    stop("half")
    (staging / "sub" / "two").write_text(content)
    return Provenance(identity)

print("fresh" if ensure(target, identity, fill, replace=replace).fresh else "there", flush=True)
"""
POINTS = ["empty", "half", "before provenance", "after provenance", "before rename", "after rename"]


def installer(
    target: Path, point: str = "", content: str = "new", replace: bool = False
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INSTALLER, str(target), point, content, "replace" if replace else ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped_at(point: str, target: Path, **options: object) -> subprocess.Popen[str]:
    process = installer(target, point, **options)  # type: ignore[arg-type]
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == point + "\n", process.communicate()[1]
    return process


def filler(identity: Identity, content: str = "new") -> Callable[[Path], Provenance]:
    def fill(staging: Path) -> Provenance:
        (staging / "one").write_text(content)
        return Provenance(identity)

    return fill


def whole_filler(identity: Identity, content: str) -> Callable[[Path], Provenance]:
    def fill(staging: Path) -> Provenance:
        _made(staging / "sub")
        (staging / "sub" / "two").write_text(content)
        return filler(identity, content)(staging)

    return fill


def failing_half_way(staging: Path) -> Provenance:
    (staging / "one").write_text("half")
    raise FileNotFoundError("something the recipe needs")


def stale(target: Path) -> list[Path]:
    work = work_folder(target)
    return [*work.glob(f"{STAGING_PREFIX}*"), *work.glob(ASIDE)]


def is_whole(target: Path, content: str) -> bool:
    provenance = installed(target)
    return (
        provenance is not None
        and changes(target, provenance) == ()
        and (target / "one").read_text() == (target / "sub/two").read_text() == content
    )


def test_installation_appears_at_once_with_its_provenance(target, identity):
    with Installation(target, identity) as job:
        (job.staging / "one").write_text("1")
        assert job.staging.stat().st_dev == target.parent.stat().st_dev
        assert not target.exists()
        job.commit(Provenance(identity, tools={"x": "1"}))
    provenance = read_provenance(target)
    assert provenance is not None
    assert provenance.tools == {"x": "1"}
    assert list(provenance.files) == ["one"]
    assert installed(target, identity) == provenance
    assert stale(target) == []


def test_second_installation_finds_it_there_at_once(target, identity):
    assert ensure(target, identity, filler(identity)).fresh
    began = time.monotonic()
    assert not ensure(target, identity, filler(identity, "other")).fresh
    assert time.monotonic() - began < 0.5
    assert (target / "one").read_text() == "new"


def test_installation_that_lost_a_file_is_made_again(target, identity, capfd):
    ensure(target, identity, whole_filler(identity, "new"))
    (target / "sub/two").unlink()
    assert ensure(target, identity, whole_filler(identity, "new")).fresh
    assert "some of its files are gone" in capfd.readouterr().err
    assert is_whole(target, "new")


@pytest.mark.parametrize(
    "other",
    [
        Identity("lib-x", "fedcba9876543210", "1.0"),
        Identity("lib-x", "0123456789abcdef", "2.0"),
        Identity("lib-x", "0123456789abcdef", "1.0", "fast"),
        Identity("lib-x", "0123456789abcdef", "1.0", "", {"DATA_TYPE": "FP16"}),
    ],
)
def test_another_entry_version_variation_or_option_is_not_taken_for_it(target, identity, other, capfd):
    ensure(target, identity, filler(identity))
    assert installed(target, other) is None
    assert ensure(target, other, filler(other, "second")).fresh
    assert (target / "one").read_text() == "second"
    assert installed(target, identity) is None
    said = f"{target} has {identity.describe()}; {other.describe()} takes its place"
    assert said in capfd.readouterr().err, "what was there is not replaced without a word"


def test_renamed_alias_is_still_the_same_entry(target, identity):
    ensure(target, identity, filler(identity))
    assert installed(target, Identity("new-name", identity.uid, identity.version)) is not None


def test_failure_leaves_none(target, identity):
    with pytest.raises(FileNotFoundError):
        ensure(target, identity, failing_half_way)
    assert not target.exists()
    assert stale(target) == []


def test_failure_leaves_the_old_one(target, identity):
    ensure(target, identity, filler(identity, "old"))
    with pytest.raises(FileNotFoundError):
        ensure(target, identity, failing_half_way, replace=True)
    assert (target / "one").read_text() == "old"


def test_provenance_of_another_entry_is_refused(target, identity):
    with pytest.raises(UsageError), Installation(target, identity) as job:
        job.commit(Provenance(Identity("other", "0" * 16)))
    assert not target.exists()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("old", [False, True], ids=["first", "again"])
def test_sigkill_leaves_the_old_one_or_none_and_the_next_cleans_up(target, identity, point, old):
    if old:
        ensure(target, identity, whole_filler(identity, "old"))
        assert is_whole(target, "old")
    process = stopped_at(point, target, replace=old)
    process.kill()
    process.communicate()
    if point == "after rename":
        assert is_whole(target, "new")
    else:
        assert is_whole(target, "old") if old else not target.exists()
    ensure(target, identity, whole_filler(identity, "next"), replace=old)
    assert is_whole(target, "new" if point == "after rename" and not old else "next")
    assert stale(target) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("point", ["half", "before rename"])
def test_signals_clean_up_themselves(target, point, number):
    process = stopped_at(point, target)
    process.send_signal(number)
    process.communicate()
    assert process.returncode in {-signal.SIGINT, 128 + number, 130}
    assert not target.exists()
    assert stale(target) == []


def test_kill_between_two_renames_is_mended(target, identity, monkeypatch):
    ensure(target, identity, filler(identity, "old"))
    target.rename(work_folder(target) / ASIDE)
    clean_stale(target.parent)
    assert (target / "one").read_text() == "old"
    assert stale(target) == []


def test_replacement_without_exchange(target, identity, monkeypatch):
    monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    ensure(target, identity, filler(identity, "old"))
    assert ensure(target, identity, filler(identity, "new"), replace=True).fresh
    assert (target / "one").read_text() == "new"
    assert stale(target) == []


def test_failed_rename_puts_the_old_one_back(folder, monkeypatch):
    monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    (folder / "target").mkdir()
    with pytest.raises(OSError, match="No such file"):
        folders.replace_folder(folder / "no such folder", folder / "target", folder / "aside")
    assert [path.name for path in folder.iterdir()] == ["target"]


def test_reinstall_has_no_moment_in_which_nothing_is_installed(target, identity):
    ensure(target, identity, filler(identity, "old"))
    if not folders.exchange(*[_made(target.parent / name) for name in "ab"]):
        pytest.skip("this file system cannot exchange two folders")
    missing, stop = [], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            if installed(target, identity) is None or not (target / "one").exists():
                missing.append(time.monotonic())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(30):
        ensure(target, identity, filler(identity, str(number)), replace=True)
    stop.set()
    watcher.join()
    assert missing == []


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_reinstall_while_a_file_of_it_is_in_use(target, identity):
    ensure(target, identity, filler(identity, "old"))
    with (target / "one").open() as in_use:
        ensure(target, identity, filler(identity, "new"), replace=True)
        assert in_use.read() == "old"
    assert (target / "one").read_text() == "new"


def test_eight_installs_of_one_package_at_once(target):
    processes = [installer(target, content=str(number)) for number in range(8)]
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, outputs
    assert sorted(out for out, _ in outputs) == ["fresh\n", *["there\n"] * 7]
    assert is_whole(target, (target / "one").read_text())
    assert stale(target) == []


def test_two_different_at_once_do_not_wait_for_each_other(folder):
    first = stopped_at("half", folder / "first")
    second = installer(folder / "second")
    assert second.communicate(timeout=30)[0] == "fresh\n"
    assert first.communicate()[0] == "fresh\n"


def test_waiting_says_who_holds_the_lock(target):
    first = stopped_at("half", target)
    second = installer(target)
    assert second.stderr is not None
    assert f"waiting for process {first.pid}" in second.stderr.readline()
    assert first.communicate()[0] == "fresh\n"
    assert second.communicate()[0] == "there\n"


def test_running_installation_is_not_cleaned_away(target):
    process = stopped_at("half", target)
    assert clean_stale(target.parent) == ()
    assert len(stale(target)) == 1
    assert process.communicate()[0] == "fresh\n"
    assert is_whole(target, "new")


def test_stale_folders_of_killed_installs_are_cleaned(target):
    process = stopped_at("half", target)
    process.kill()
    process.communicate()
    assert len(clean_stale(target.parent)) == 1
    assert stale(target) == []
    assert clean_stale(target.parent) == ()


FULL_DISK = """
import sys
from pathlib import Path
disk = Path(sys.argv[1])
small_disk(disk, 256)
from ckssd.errors import EnvironmentSetupError
from ckssd.install import Identity, Provenance, ensure, installed
identity = Identity("lib-x", "0123456789abcdef", "1.0", "")
def fill(size):
    def inner(staging):
        (staging / "data").write_bytes(bytes(size))
        return Provenance(identity)
    return inner
target = disk / "lib x"
for replace in (False, True):
    try:
        ensure(target, identity, fill(1_000_000), replace=replace)
    except EnvironmentSetupError as error:
        print(error)
    else:
        sys.exit("no error")
    assert target.exists() == replace
    assert not list((disk / ".ckssd").glob("*/staging-*"))
    if not replace:
        assert ensure(target, identity, fill(1000)).fresh
assert installed(target, identity)
"""


def test_full_disk_leaves_the_old_one_or_none(folder):
    output = run_with_own_mounts(FULL_DISK, _made(folder / "small disk"))
    assert output.count("No space left on device") == 2


def test_signal_handlers_are_as_before(target, identity):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    ensure(target, identity, filler(identity))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_installation_from_a_thread(target, identity):
    thread = threading.Thread(target=ensure, args=(target, identity, filler(identity)))
    thread.start()
    thread.join()
    assert installed(target, identity)
    assert {path.name for path in target.parent.iterdir()} == {".ckssd", target.name}
