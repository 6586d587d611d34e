"""The CKSSD_* variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckssd.errors import UsageError
from ckssd.fetch import Settings
from ckssd.fetch.settings import is_offline


@pytest.mark.parametrize(
    ("env", "cache"),
    [
        ({"CKSSD_CACHE": "/a b/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/a b/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/ckssd"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/ckssd"),
        ({"HOME": "/h"}, "/h/.cache/ckssd"),
    ],
)
def test_place_of_the_cache(env, cache):
    assert Settings.from_environment(env).cache == Path(cache)


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("yes", True), ("TRUE", True), ("0", False), ("", False)]
)
def test_offline_switch(value, offline):
    assert is_offline({"CKSSD_OFFLINE": value}) is offline


def test_offline_switch_is_never_guessed():
    with pytest.raises(UsageError, match="CKSSD_OFFLINE"):
        is_offline({"CKSSD_OFFLINE": "maybe"})


def test_mirror_is_a_folder_or_a_url(folder):
    assert Settings.from_environment({"CKSSD_MIRROR": str(folder)}).mirror == str(folder)
    assert Settings.from_environment({"CKSSD_MIRROR": "https://m.org/x/"}).mirror == "https://m.org/x"
    assert Settings.from_environment({"CKSSD_MIRROR": " "}).mirror is None


@pytest.mark.parametrize("mirror", ["/no/such/folder", "http://", "ftp://m.org"])
def test_bad_mirror_is_named(mirror):
    with pytest.raises(UsageError, match="CKSSD_MIRROR"):
        Settings.from_environment({"CKSSD_MIRROR": mirror})


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "nan", "inf"])
def test_bad_stall_time_is_named(seconds):
    with pytest.raises(UsageError, match="CKSSD_STALL_SECONDS"):
        Settings.from_environment({"CKSSD_STALL_SECONDS": seconds})


def test_accepted_names():
    settings = Settings.from_environment({"CKSSD_ACCEPT_UNVERIFIED": "a.bin, b.bin,"})
    assert settings.accept_unverified == frozenset({"a.bin", "b.bin"})
