"""CKSSD_MIRROR stands before every source; CKSSD_OFFLINE never opens a connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckssd.errors import NetworkError
from ckssd.fetch import Settings, SourceCache, fetch


def test_mirror_folder_stands_before_the_source(server, settings, source_of, body, folder):
    source = source_of(body, server.serve("file.bin", body))
    mirror = folder / "mirror"
    mirror.mkdir()
    (mirror / "file.bin").write_bytes(body)
    assert fetch(source, replace(settings, mirror=str(mirror))).url == str(mirror / "file.bin")
    assert server.requests == []
    assert (mirror / "file.bin").read_bytes() == body


def test_wrong_file_in_the_mirror_folder_falls_back_to_the_source(server, settings, source_of, body, folder):
    source = source_of(body, server.serve("file.bin", body))
    (folder / "file.bin").write_bytes(b"other")
    assert fetch(source, replace(settings, mirror=str(folder))).url == source.urls[0]


def test_mirror_url_stands_before_the_source(server, settings, source_of, body):
    source = source_of(body, server.serve("source/a b.bin", body), name="a b.bin")
    server.serve("mirror/a b.bin", body)
    found = fetch(source, replace(settings, mirror=server.url("mirror")))
    assert found.url == server.url("mirror/a%20b.bin")


def test_another_cache_serves_as_mirror(server, settings, source_of, body, folder):
    source = source_of(body, server.serve("file.bin", body))
    fetch(source, settings)
    other = Settings(cache=folder / "other", mirror=str(settings.cache), offline=True)
    assert fetch(source, other).path.read_bytes() == body


def test_offline_without_the_mirror(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    with pytest.raises(NetworkError) as caught:
        fetch(source, replace(settings, offline=True))
    text = str(caught.value)
    assert source.file_name in text
    assert source.sha256 in text
    assert str(SourceCache(settings.cache).path_of(source)) in text
    assert "CKSSD_MIRROR" in text
    assert server.requests == []


def test_offline_a_file_put_where_the_error_says_is_used(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    place = SourceCache(settings.cache).path_of(source)
    place.parent.mkdir(parents=True)
    place.write_bytes(body)
    assert fetch(source, replace(settings, offline=True)).from_cache


def test_offline_with_the_mirror(server, settings, source_of, body, folder):
    (folder / "file.bin").write_bytes(body)
    source = source_of(body, server.serve("file.bin", body))
    found = fetch(source, replace(settings, offline=True, mirror=str(folder)))
    assert found.path.read_bytes() == body
    assert server.requests == []


def test_offline_opens_no_connection_to_a_mirror_url_either(server, settings, source_of, body):
    source = source_of(body, server.serve("file.bin", body))
    with pytest.raises(NetworkError):
        fetch(source, replace(settings, offline=True, mirror=server.address))
    assert server.requests == []
