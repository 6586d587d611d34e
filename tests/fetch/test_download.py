"""Downloads against a real server that misbehaves: each promise of the table has its test here."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, NetworkError, VerificationError
from ckssd.fetch import Settings, Source, SourceCache, fetch
from tests.support.http_server import Page
from tests.support.own_mounts import run_with_own_mounts

MakeSource = Callable[..., Source]
HTML = b"<!DOCTYPE html>\n<html><head><title>Please log in</title></head><body>no</body></html>"


def part_of(settings: Settings, source: Source) -> Path:
    return SourceCache(settings.cache).part_of(source)


def test_file_is_fetched_once_and_then_from_the_cache(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    first = fetch(source, settings)
    second = fetch(source, settings)
    assert first.path.read_bytes() == body
    assert (first.from_cache, second.from_cache) == (False, True)
    assert first.url == second.url == source.urls[0]
    assert len(server.requests) == 1
    assert not part_of(settings, source).exists()


def test_wrong_hash(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body[:-1] + b"x"))
    with pytest.raises(VerificationError) as caught:
        fetch(source, settings)
    assert source.sha256 in str(caught.value)
    assert SourceCache(settings.cache).list() == ()
    assert SourceCache(settings.cache).partials() == ()


def test_md5_and_size_verify_where_nothing_better_is_public(server, settings, body):
    md5 = hashlib.md5(body).hexdigest()
    good = Source("val.zip", (server.serve("val.zip", body),), size=len(body), md5=md5)
    assert fetch(good, settings).sha256 == hashlib.sha256(body).hexdigest()
    bad = replace(good, md5="0" * 32)
    with pytest.raises(VerificationError, match="md5"):
        fetch(bad, settings)


def test_source_without_hash_is_refused_unless_accepted_by_name(server, settings, body):
    source = Source("file.bin", (server.serve("file.bin", body),))
    with pytest.raises(VerificationError, match="CKSSD_ACCEPT_UNVERIFIED"):
        fetch(source, settings)
    assert server.requests == []
    accepted = fetch(source, replace(settings, accept_unverified=frozenset({"file.bin"})))
    assert accepted.path.read_bytes() == body


@pytest.mark.parametrize("length", ["true", "none", "chunked"])
def test_truncated(server, settings, source_of, body, length):
    source = source_of(body, server.serve("file.bin", Page(body[:1000], length=length, ranges=False)))
    with pytest.raises((VerificationError, NetworkError), match="1000"):
        fetch(source, settings)
    assert SourceCache(settings.cache).list() == ()


@pytest.mark.parametrize("length", ["true", "none", "chunked"])
def test_longer_than_stated(server, settings, source_of, body, length):
    endless = body + bytes(20_000_000)
    source = source_of(body, server.serve("file.bin", Page(endless, length=length)))
    with pytest.raises(VerificationError, match="more than the stated 1500000"):
        fetch(source, settings)
    assert SourceCache(settings.cache).partials() == ()


@pytest.mark.parametrize("content_type", ["text/html", "application/gzip"])
@pytest.mark.parametrize("length", ["true", "chunked"])
def test_html_instead_of_archive(server, settings, source_of, body, content_type, length):
    page = Page(HTML, content_type=content_type, length=length)
    source = source_of(body, server.serve("file.tar.gz", page), name="file.tar.gz")
    with pytest.raises(VerificationError, match="HTML page came instead of the file: Please log in"):
        fetch(source, settings)


def test_404_then_mirror(server, settings, source_of, body):
    source = source_of(body, server.url("gone.bin"), server.serve("there.bin", body))
    assert fetch(source, settings).url == server.url("there.bin")
    assert len(server.asked("gone.bin")) == 1


def test_wrong_file_then_next_url(server, settings, source_of, body):
    source = source_of(body, server.serve("bad.bin", body[::-1]), server.serve("good.bin", body))
    assert fetch(source, settings).url == server.url("good.bin")


def test_interrupted_download_goes_on_in_a_later_run(server, settings, source_of, body):
    url = server.serve("file.bin", Page(body, reset_after=700_000))
    source = source_of(body, url)
    with pytest.raises(NetworkError):
        fetch(source, replace(settings, max_failures=1))
    before = part_of(settings, source).stat().st_size
    assert 0 < before <= 700_000
    server.serve("file.bin", body)
    assert fetch(source, settings).path.read_bytes() == body
    assert server.requests[-1].range_start == before
    assert server.requests[-1].headers["if-range"] == '"one"'


def test_whole_part_of_a_killed_run_needs_no_request(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    part = part_of(settings, source)
    part.parent.mkdir(parents=True)
    part.write_bytes(body)
    assert fetch(source, settings).path.read_bytes() == body
    assert server.requests == []


@pytest.mark.parametrize("leftover", [b"wrong", b"x" * 1_500_000, b"x" * 2_000_000])
def test_spoilt_part_is_replaced_by_the_whole_file(server, settings, source_of, body, leftover):
    source = source_of(body, server.serve("file.bin", body))
    part = part_of(settings, source)
    part.parent.mkdir(parents=True)
    part.write_bytes(leftover)
    assert fetch(source, settings).path.read_bytes() == body


def test_range_ignored(server, settings, source_of, body):
    source = source_of(
        body, server.serve("file.bin", Page(body, ranges=False, reset_after=700_000, resets=2))
    )
    assert fetch(source, settings).path.read_bytes() == body
    assert server.requests[-1].range_start is not None


def test_another_range_than_asked_for(server, settings, source_of, body):
    source = source_of(
        body, server.serve("file.bin", Page(body, wrong_range=True, reset_after=700_000, resets=1))
    )
    assert fetch(source, settings).path.read_bytes() == body
    assert [request.range_start is None for request in server.requests] == [True, False, True]


@pytest.mark.parametrize("etag", ['"one"', None, 'W/"weak"'])
def test_file_changed_between_parts(server, settings, source_of, body, etag):
    old = bytes(len(body))
    source = source_of(body, server.serve("file.bin", Page(old, etag=etag, reset_after=700_000)))
    with pytest.raises(NetworkError):
        fetch(source, replace(settings, max_failures=1))
    server.serve("file.bin", Page(body, etag='"two"'))
    assert fetch(source, settings).path.read_bytes() == body


def test_connection_reset_ten_times(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", Page(body, reset_after=140_000, resets=10)))
    assert fetch(source, settings).path.read_bytes() == body
    assert len(server.requests) == 11
    starts = [request.range_start or 0 for request in server.requests]
    assert starts == sorted(starts)
    assert len(set(starts)) == 11


def test_resets_without_progress_are_bounded(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", Page(body, reset_after=0)))
    with pytest.raises(NetworkError):
        fetch(source, settings)
    assert len(server.requests) == settings.max_failures


def test_stalled_server(server, settings, source_of, body):
    stalled = server.serve("stalled.bin", Page(body, stall_at=400_000))
    source = source_of(body, stalled, server.serve("good.bin", body))
    began = time.monotonic()
    hasty = replace(settings, stall_seconds=0.3, max_failures=3)
    assert fetch(source, hasty).url == server.url("good.bin")
    assert time.monotonic() - began < 30
    assert server.asked("good.bin")[0].range_start == 400_000


def test_dripping_server_is_left_for_the_next(server, settings, source_of, body):
    dripping = server.serve("dripping.bin", Page(body, drip_seconds=0.05))
    source = source_of(body, dripping, server.serve("good.bin", body))
    assert fetch(source, replace(settings, stall_seconds=0.3, max_failures=2)).url == server.url("good.bin")


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_passing_server_errors_are_waited_out(server, settings, source_of, body, status):
    source = source_of(body, server.serve("file.bin", Page(body, status=status, failures=2)))
    assert fetch(source, settings).path.read_bytes() == body
    assert len(server.requests) == 3


def test_lasting_server_errors_are_bounded(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", Page(body, status=503)))
    with pytest.raises(NetworkError, match="503"):
        fetch(source, settings)
    assert len(server.requests) == settings.max_failures


def test_gzip_coding_is_undone(server, settings, source_of):
    text = b"all work and no play " * 100_000
    source = source_of(text, server.serve("file.txt", Page(text, gzip=True)), name="file.txt")
    assert fetch(source, settings).path.read_bytes() == text


def test_gzip_coding_that_bursts_is_stopped(server, settings, source_of):
    source = source_of(
        bytes(1000), server.serve("file.txt", Page(bytes(5_000_000), gzip=True)), name="file.txt"
    )
    with pytest.raises(VerificationError, match="more than the stated 1000"):
        fetch(source, settings)


def test_archive_that_is_mislabelled_as_gzip_coded_stays_as_it_is(server, settings, source_of):
    archive = gzip.compress(b"an archive")
    source = source_of(archive, server.serve("file.tgz", Page(archive, label_gzip=True)), name="file.tgz")
    assert fetch(source, settings).path.read_bytes() == archive


def test_unreachable_host_is_a_network_error_in_bounded_time(settings, source_of, body):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    source = source_of(body, f"http://127.0.0.1:{port}/file.bin", "http://no-such-host.invalid/file.bin")
    with pytest.raises(NetworkError, match="refused"):
        fetch(source, settings)


def test_corrupted_cache_file(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    path = fetch(source, settings).path
    path.chmod(0o644)
    path.write_bytes(body[:-1] + b"x")
    again = fetch(source, settings)
    assert not again.from_cache
    assert again.path.read_bytes() == body


def test_proxies_as_requests_knows_them(server, settings, source_of, body, monkeypatch):
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    url = "http://no-such-host.invalid/file.bin"
    server.serve(url, body)
    assert fetch(source_of(body, url), settings).path.read_bytes() == body


def test_unwritable_cache_is_an_environment_error(server, settings, source_of, body, folder):
    (folder / "a file").write_text("")
    source = source_of(body, server.serve("file.bin", body))
    with pytest.raises(EnvironmentSetupError):
        fetch(source, replace(settings, cache=folder / "a file" / "cache"))


def test_empty_file(server, settings, source_of):
    assert fetch(source_of(b"", server.serve("file.bin", b"")), settings).path.read_bytes() == b""


def fetch_in_a_process(source: Source, settings: Settings) -> subprocess.Popen[str]:
    code = "import sys; from pathlib import Path; from ckssd.fetch import *; " + (
        f"print(fetch({source!r}, Settings(Path(sys.argv[1]), stall_seconds=20)).url)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(settings.cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_download_is_resumed(server, settings, source_of, body, number):
    source = source_of(body, server.serve("file.bin", Page(body, stall_at=800_000)))
    part = part_of(settings, source)
    process = fetch_in_a_process(source, settings)
    wait_for(lambda: part.exists() and part.stat().st_size == 800_000)
    os.kill(process.pid, number)
    process.communicate()
    server.serve("file.bin", body)
    assert fetch(source, settings).path.read_bytes() == body
    assert server.requests[-1].range_start == 800_000


def test_eight_processes_download_one_file_once(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    processes = [fetch_in_a_process(source, settings) for _ in range(8)]
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, outputs
    assert len(server.requests) == 1


READ_ONLY = """
import sys
from pathlib import Path
from ckssd.errors import EnvironmentSetupError
from ckssd.fetch import Settings, Source, fetch
cache, url, sha256 = sys.argv[1:]
read_only(cache)
print(fetch(Source("file.bin", (url,), sha256=sha256), Settings(Path(cache))).from_cache)
try:
    fetch(Source("other.bin", (url,), sha256="ab" * 32), Settings(Path(cache)))
except EnvironmentSetupError as error:
    print(error)
"""


def test_read_only_cache(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    fetch(source, settings)
    output = run_with_own_mounts(READ_ONLY, settings.cache, source.urls[0], source.sha256).splitlines()
    assert output[0] == "True"
    assert "Read-only file system" in output[1]
    assert len(server.requests) == 1


FULL_DISK = """
import sys
from pathlib import Path
from ckssd.errors import EnvironmentSetupError
from ckssd.fetch import Settings, Source, SourceCache, fetch
disk, url, sha256 = sys.argv[1:]
small_disk(disk, 512)
for size in (1_500_000, None):
    try:
        fetch(Source("file.bin", (url,), size, sha256), Settings(Path(disk) / "cache"), quiet=True)
    except EnvironmentSetupError as error:
        print(error)
    assert SourceCache(Path(disk) / "cache").list() == ()
"""


def test_disk_full(server, source_of, body, folder):
    source = source_of(body, server.serve("file.bin", body))
    disk = folder / "small disk"
    disk.mkdir()
    early, late = run_with_own_mounts(FULL_DISK, disk, source.urls[0], source.sha256).splitlines()
    assert "the disk is too full for file.bin" in early
    assert "1500000 bytes free" in early
    assert "No space left on device" in late
    assert len(server.requests) == 1
