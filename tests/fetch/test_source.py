"""Meta data of sources: what is accepted, and that every fault is named by its key."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.errors import CkssdError, UsageError, VerificationError
from ckssd.fetch import Source
from ckssd.fetch.settings import Settings

GOOD = {
    "file_name": "val2017.zip",
    "urls": ["http://example.org/val2017.zip"],
    "size": 815585330,
    "sha256": "AB" * 32,
    "licence": "CC-BY-4.0",
    "unpacked_size": 900000000,
    "note": "anything",
}


def test_good_meta_data():
    source = Source.from_meta(GOOD, "package:x: sources.0")
    assert source == Source(
        "val2017.zip",
        ("http://example.org/val2017.zip",),
        size=815585330,
        sha256="ab" * 32,
        licence="CC-BY-4.0",
        unpacked_size=900000000,
    )
    assert source.digest == ("sha256", "ab" * 32)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file_name", None),
        ("file_name", ""),
        ("file_name", 3),
        ("file_name", "a/b"),
        ("file_name", ".."),
        ("file_name", "a\nb"),
        ("file_name", "\ud800"),
        ("file_name", "x" * 201),
        ("urls", None),
        ("urls", []),
        ("urls", "http://example.org/a"),
        ("urls", ["ftp://example.org/a"]),
        ("urls", ["file:///etc/passwd"]),
        ("urls", ["http://"]),
        ("urls", ["http://example.org:99999/a"]),
        ("urls", ["http://example.org/a b"]),
        ("urls", ["http://example.org/a", "http://example.org/a"]),
        ("size", -1),
        ("size", True),
        ("size", "12"),
        ("size", 1.5),
        ("sha256", "ab"),
        ("sha256", "zz" * 32),
        ("sha256", 1),
        ("md5", "ab" * 32),
        ("licence", 1),
        ("unpacked_size", -1),
        ("sha265", "ab" * 32),
    ],
)
def test_each_fault_is_named_by_its_key(key, value):
    with pytest.raises(UsageError) as caught:
        Source.from_meta({**GOOD, key: value}, "package:x")
    assert caught.value.where == f"package:x: {key}"


@pytest.mark.parametrize("meta", [None, [], "text", 3])
def test_meta_must_be_a_table(meta):
    with pytest.raises(UsageError):
        Source.from_meta(meta, "package:x")


def test_no_hash_is_refused_unless_accepted_by_name():
    meta = {**GOOD, "sha256": None}
    with pytest.raises(VerificationError, match="no hash"):
        Source.from_meta(meta, "package:x")
    assert Source.from_meta(meta, "package:x", accept={"val2017.zip"}).digest is None


def test_the_refusal_says_the_command_that_accepts_the_file():
    meta = {**GOOD, "file_name": "a model's.zip", "sha256": None}
    with pytest.raises(VerificationError) as refused:
        Source.from_meta(meta, "package:x")
    command = str(refused.value.advice).partition(": ")[2].partition(", then")[0]
    set_by_it = subprocess.run(
        ["sh", "-c", f'{command}; printf %s "$CKSSD_ACCEPT_UNVERIFIED"'],
        env={},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    accepted = Settings.from_environment(
        {"HOME": "/", "CKSSD_ACCEPT_UNVERIFIED": set_by_it}
    ).accept_unverified
    assert Source.from_meta(meta, "package:x", accept=accepted).digest is None


def test_md5_needs_a_size():
    meta = {**GOOD, "sha256": None, "md5": "ab" * 16}
    assert Source.from_meta(meta, "package:x").digest == ("md5", "ab" * 16)
    with pytest.raises(UsageError, match="size"):
        Source.from_meta({**meta, "size": None}, "package:x")


def source_or_error(meta: object) -> Source | None:
    error = None
    try:
        return Source.from_meta(meta, "package:x")
    except CkssdError as caught:
        error = caught
    assert "package:x" in str(error)
    return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "other"]), JSON) | JSON)
def test_anything_is_either_a_source_or_an_error_of_ours(meta):
    source = source_or_error(meta)
    assert source is None or source.digest is not None


@given(JSON, st.sampled_from(sorted(GOOD)))
def test_one_wild_value_is_either_fine_or_an_error_of_ours(value, key):
    source_or_error({**GOOD, key: value})
