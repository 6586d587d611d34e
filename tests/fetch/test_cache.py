"""The content-addressed cache: added atomically, checked on use, listed, verified, pruned."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from ckssd.fetch import Source, SourceCache, State, link_or_copy
from ckssd.fetch.hashing import hash_file


@pytest.fixture
def cache(folder: Path) -> SourceCache:
    return SourceCache(folder / "cache")


def added(
    cache: SourceCache, folder: Path, data: bytes, name: str = "file.bin", *, md5: bool = False
) -> Source:
    source = Source(
        name,
        ("http://example.org/" + name,),
        size=len(data),
        sha256=None if md5 else hashlib.sha256(data).hexdigest(),
        md5=hashlib.md5(data).hexdigest() if md5 else None,
    )
    file = folder / "incoming"
    file.write_bytes(data)
    cache.add(file, source, hash_file(file), source.urls[0])
    return source


@pytest.mark.parametrize("md5", [False, True])
def test_added_file_is_whole_and_read_only(cache, folder, md5):
    source = added(cache, folder, b"data", md5=md5)
    assert cache.look(source)[0] is State.WHOLE
    assert cache.has(source)
    assert cache.url_of(source) == source.urls[0]
    assert stat.S_IMODE(cache.path_of(source).stat().st_mode) == 0o444


def test_missing_and_corrupt_files_are_told_apart(cache, folder):
    source = added(cache, folder, b"data")
    path = cache.path_of(source)
    path.chmod(0o644)
    path.write_bytes(b"dat!")
    assert cache.look(source)[0] is State.CORRUPT
    assert [whole for _, whole in cache.verify()] == [False]
    cache.drop(source)
    assert cache.look(source)[0] is State.MISSING
    assert not cache.has(source)


def test_list_names_sizes_and_urls(cache, folder):
    added(cache, folder, b"1234", "b.bin")
    added(cache, folder, b"12", "a.bin", md5=True)
    assert [(e.file_name, e.size, e.algorithm, e.url) for e in cache.list()] == [
        ("a.bin", 2, "md5", "http://example.org/a.bin"),
        ("b.bin", 4, "sha256", "http://example.org/b.bin"),
    ]
    assert all(whole for _, whole in cache.verify())


def test_file_put_there_by_hand_is_listed(cache):
    place = cache.address("sha256", hashlib.sha256(b"x").hexdigest())
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x")
    assert [entry.size for entry in cache.list()] == [1]


def test_prune_keeps_what_it_is_told_to(cache, folder):
    kept = added(cache, folder, b"kept")
    gone = added(cache, folder, b"gone")
    part = cache.part_of(Source("x", (), sha256="ab" * 32))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    assert [entry.digest for entry in cache.prune(keep={kept.sha256})] == [gone.sha256]
    assert cache.look(kept)[0] is State.WHOLE
    assert cache.look(gone)[0] is State.MISSING
    assert cache.partials() == ()


def test_prune_by_age_goes_by_the_last_use(cache, folder):
    old, used = added(cache, folder, b"old"), added(cache, folder, b"used")
    long_ago = time.time() - 1000
    for source in (old, used):
        path = cache.path_of(source)
        os.utime(path.with_name(path.name + ".json"), (long_ago, long_ago))
    cache.look(used)
    assert [entry.digest for entry in cache.prune(unused_for_seconds=500)] == [old.sha256]


def test_prune_leaves_a_locked_source_alone(cache, folder):
    source = added(cache, folder, b"data")
    with cache.lock(source):
        assert cache.prune() == ()
    assert len(cache.prune()) == 1


def test_empty_cache_has_nothing(cache):
    assert (cache.list(), cache.partials(), cache.prune(), cache.verify()) == ((), (), (), ())


def test_hard_link_where_possible_else_a_copy(cache, folder):
    source = added(cache, folder, b"data")
    link_or_copy(cache.path_of(source), folder / "linked")
    assert (folder / "linked").stat().st_ino == cache.path_of(source).stat().st_ino
    other = Path("/dev/shm") / f"ckssd test {os.getpid()}"  # another file system
    try:
        link_or_copy(cache.path_of(source), other)
        assert other.read_bytes() == b"data"
    finally:
        other.unlink(missing_ok=True)
