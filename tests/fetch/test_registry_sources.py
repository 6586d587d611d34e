"""A source that is the package of a registry: cache and mirror come first, its bytes are judged alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckssd.errors import EnvironmentSetupError, NetworkError, VerificationError
from ckssd.fetch import Purl, SourceCache, fetch

PURL = Purl("npm", "tiny", "1.0.0")


class FakeRegistry:
    """Gives the same bytes to everyone who asks, and counts."""

    def __init__(self, body):
        self.body = body
        self.asked = 0

    def __call__(self, source, folder):
        assert not any(folder.iterdir())
        self.asked += 1
        file = folder / source.file_name
        file.write_bytes(self.body)
        return file


@pytest.fixture
def source(source_of, body):
    return replace(source_of(body, name="tiny-1.0.0.tgz"), purl=PURL)


def test_the_registry_is_asked_once_and_the_cache_afterwards(source, settings, body):
    registry = FakeRegistry(body)
    first = fetch(source, settings, registry=registry)
    second = fetch(source, settings, registry=registry)
    assert (first.url, first.from_cache) == ("pkg:npm/tiny@1.0.0", False)
    assert (second.url, second.from_cache) == ("pkg:npm/tiny@1.0.0", True)
    assert second.path.read_bytes() == body
    assert registry.asked == 1


def test_mirror_folder_mirror_url_and_addresses_stand_before_the_registry(
    source, settings, body, folder, server
):
    registry = FakeRegistry(b"")
    (folder / source.file_name).write_bytes(body)
    server.serve(f"mirror/{source.file_name}", body)
    published = replace(source, urls=(server.serve("published.tgz", body),))
    fetch(source, replace(settings, mirror=str(folder)), registry=registry)
    fetch(source, replace(settings, cache=folder / "2", mirror=server.url("mirror")), registry=registry)
    fetch(published, replace(settings, cache=folder / "3"), registry=registry)
    assert registry.asked == 0


def test_the_registry_is_asked_when_mirror_and_address_have_not_the_file(
    source, settings, body, folder, server
):
    (folder / source.file_name).write_bytes(b"other")
    gone = replace(source, urls=(server.url("gone"),))
    found = fetch(gone, replace(settings, mirror=str(folder)), registry=FakeRegistry(body))
    assert found.url == str(PURL)


def test_offline_the_registry_is_not_asked(source, settings, body):
    registry = FakeRegistry(body)
    with pytest.raises(NetworkError) as caught:
        fetch(source, replace(settings, offline=True), registry=registry)
    text = str(caught.value)
    for part in (str(PURL), source.file_name, source.sha256, "CKSSD_MIRROR"):
        assert part in text
    assert str(SourceCache(settings.cache).path_of(source)) in text
    assert registry.asked == 0


@pytest.mark.parametrize("wrong", [b"", b"other", "longer"])
def test_other_bytes_are_refused_and_leave_nothing(source, settings, body, wrong):
    with pytest.raises(VerificationError, match=r"pkg:npm/tiny@1\.0\.0: wrong file"):
        fetch(source, settings, registry=FakeRegistry(body + b"x" if wrong == "longer" else wrong))
    assert SourceCache(settings.cache).list() == ()
    assert not any((settings.cache / "partial").iterdir())


def test_what_the_client_says_comes_through(source, settings):
    def registry(source, folder):
        (folder / "half").write_bytes(b"half")
        raise EnvironmentSetupError("npm is missing")

    with pytest.raises(EnvironmentSetupError, match="npm is missing"):
        fetch(source, settings, registry=registry)
    assert not any((settings.cache / "partial").iterdir())


def test_the_folder_of_a_killed_client_is_cleared_before_the_next_run(source, settings, body):
    left = SourceCache(settings.cache).client_folder_of(source)
    left.mkdir(parents=True)
    (left / source.file_name).write_bytes(b"half")
    assert fetch(source, settings, registry=FakeRegistry(body)).path.read_bytes() == body


def test_pruning_removes_the_folder_of_a_killed_client_and_not_of_a_living_one(source, settings):
    cache = SourceCache(settings.cache)
    left = cache.client_folder_of(source)
    left.mkdir(parents=True)
    with cache.lock(source):
        cache.prune()
        assert left.exists()
    cache.prune()
    assert not left.exists()
