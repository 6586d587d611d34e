"""What a node keeps: made once, never taken from whoever uses it, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.cluster.on_node.cache import MOST_JOBS, UNUSED_S, WHOLE, kept, prune, use

DAY = 86400.0
HOLDS = """import sys
from pathlib import Path
from ckssd.cluster.on_node.cache import use
lock = use(Path(sys.argv[1]), lambda folder: (folder / "file").touch())
print("holds", flush=True)
sys.stdin.read()
"""


def made(place: Path, days_ago: float = 0) -> None:
    use(place, lambda folder: (folder / "file").write_text("content")).close()
    then = time.time() - days_ago * DAY
    os.utime(place / WHOLE, (then, then))


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_many_who_want_the_same_make_it_once(tmp_path: Path) -> None:
    times = []

    def make(folder: Path) -> None:
        time.sleep(0.05)
        (folder / "file").touch()
        times.append(folder)

    def want() -> None:
        with use(tmp_path / "job", make):
            assert (tmp_path / "job" / "file").exists()

    wanting = [threading.Thread(target=want) for _ in range(8)]
    for one in wanting:
        one.start()
    for one in wanting:
        one.join()
    assert times == [tmp_path / "job"]


def test_what_cannot_be_made_is_made_by_the_next(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        use(tmp_path / "job", fails)
    made(tmp_path / "job")
    assert {path.name for path in (tmp_path / "job").iterdir()} == {"file", WHOLE}


def test_what_is_in_use_stays_until_its_process_is_gone_whatever_its_end(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "job")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holds\n"
    assert [one.in_use for one in kept(tmp_path)] == [True]
    assert prune(tmp_path, 0, 0) == []
    assert there(tmp_path) == {"job"}
    holder.kill()
    holder.wait()
    assert [one.in_use for one in kept(tmp_path)] == [False]
    assert [one.path.name for one in prune(tmp_path, 0, 0)] == ["job"]
    assert list(tmp_path.iterdir()) == []


entries = st.lists(
    st.tuples(st.sampled_from(["job", "python3.11-"]), st.integers(0, 60), st.booleans()), max_size=14
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(given=entries)
def test_the_newest_jobs_and_what_was_used_this_month_stay(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[str, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    held, expected, jobs = [], set(), 0
    given = sorted(given, key=lambda one: one[1])
    for number, (kind, days, in_use) in enumerate(given):
        place = folder / f"{kind}{number:02d}"
        made(place)
        if in_use:
            held.append(use(place, lambda _: None))
        then = time.time() - days * DAY - number  # a second apart: which is newest is not by chance
        os.utime(place / WHOLE, (then, then))
    for number, (kind, days, in_use) in enumerate(given):
        jobs += kind == "job"
        old = days * DAY + number >= UNUSED_S
        if in_use or not (old or (kind == "job" and jobs > MOST_JOBS)):
            expected.add(f"{kind}{number:02d}")
    prune(folder)
    assert there(folder) == expected
    assert {path.name for path in folder.glob("*.lock")} == {f"{name}.lock" for name in expected}
    for lock in held:
        lock.close()


def test_a_new_one_makes_room_and_what_was_left_half_made_goes(tmp_path: Path) -> None:
    made(tmp_path / "old", days_ago=31)
    made(tmp_path / "new", days_ago=29)
    (tmp_path / "half").mkdir()
    (tmp_path / "of nothing.lock").touch()
    made(tmp_path / "another")
    assert there(tmp_path) == {"new", "another"}
    assert not (tmp_path / "of nothing.lock").exists()


def test_a_lock_that_was_removed_meanwhile_is_not_taken_for_one(tmp_path: Path) -> None:
    """A removal and a use at once, many times: never a folder that is gone, nor one without its content."""
    ends = time.monotonic() + 0.5
    faults: list[str] = []

    def uses() -> None:
        while time.monotonic() < ends:
            with use(tmp_path / "job", lambda folder: (folder / "file").touch()):
                if not (tmp_path / "job" / "file").exists():
                    faults.append("gone")

    def removes() -> None:
        while time.monotonic() < ends:
            prune(tmp_path, 0, 0)

    both = [threading.Thread(target=what) for what in (uses, uses, removes)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert faults == []
