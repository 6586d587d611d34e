"""Decisions about answers of servers, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from ckssd.fetch import Settings, Source
from ckssd.fetch.decide import (
    LONGEST_WAIT_SECONDS,
    Part,
    Patience,
    Step,
    after_failure,
    body_coding,
    decide_answer,
    html_title,
    mirror_locations,
    refuse_body,
    request_headers,
)

URL = "http://example.org/file.tar.gz"
SOURCE = Source("file.tar.gz", (URL,), size=1000, sha256="ab" * 32)
SETTINGS = Settings(cache=Path("/nowhere"), max_failures=4, first_wait_seconds=0.5)


def fields(**items: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): value for name, value in items.items()})


def test_first_request_asks_for_the_plain_whole_file():
    assert request_headers(None, URL, verifiable=True) == {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("part", "verifiable", "if_range", "ranged"),
    [
        (Part(10, URL, etag='"a"', last_modified="Mon"), False, '"a"', True),
        (Part(10, URL, etag='W/"a"', last_modified="Mon"), False, "Mon", True),
        (Part(10, URL, etag='W/"a"'), False, None, False),
        (Part(10, URL, etag='W/"a"'), True, None, True),
        (Part(10, "http://other.org/", etag='"a"'), True, None, True),
        (Part(10, "http://other.org/", etag='"a"'), False, None, False),
        (Part(0, URL, etag='"a"'), True, None, False),
    ],
)
def test_rest_is_asked_for_only_when_something_will_judge_the_seam(part, verifiable, if_range, ranged):
    headers = request_headers(part, URL, verifiable=verifiable)
    assert headers.get("If-Range") == if_range
    assert headers.get("Range") == ("bytes=10-" if ranged else None)


@pytest.mark.parametrize(
    ("status", "headers", "step"),
    [
        (200, {}, Step.WRITE),
        (206, {"Content_Range": "bytes 10-999/1000"}, Step.APPEND),
        (206, {"Content_Range": "bytes 10-999/*"}, Step.APPEND),
        (206, {"Content_Range": "bytes 0-999/1000"}, Step.START_OVER),
        (206, {}, Step.START_OVER),
        (206, {"Content_Range": "bytes 10-999/1000", "Content_Encoding": "br"}, Step.START_OVER),
        (206, {"Content_Range": "bytes 10-1999/2000"}, Step.NEXT_URL),
        (416, {}, Step.START_OVER),
        (408, {}, Step.RETRY),
        (429, {}, Step.RETRY),
        (500, {}, Step.RETRY),
        (599, {}, Step.RETRY),
        (401, {}, Step.NEXT_URL),
        (404, {}, Step.NEXT_URL),
        (204, {}, Step.NEXT_URL),
        (304, {}, Step.NEXT_URL),
    ],
)
def test_each_answer_has_its_step(status, headers, step):
    assert decide_answer(status, fields(**headers), 10, SOURCE).step is step


@given(
    st.integers(100, 999), st.dictionaries(st.text(max_size=20), st.text(max_size=40)), st.integers(0, 2000)
)
def test_no_answer_breaks_the_decision(status, headers, offset):
    decide_answer(status, CaseInsensitiveDict(headers), offset, SOURCE)
    refuse_body(CaseInsensitiveDict(headers), b"", body_coding(CaseInsensitiveDict(headers), SOURCE), SOURCE)


def test_retry_after_is_passed_on():
    assert decide_answer(503, fields(Retry_After="7"), 0, SOURCE).retry_after == 7
    assert (
        decide_answer(503, fields(Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"), 0, SOURCE).retry_after is None
    )


@pytest.mark.parametrize(
    ("name", "headers", "coding"),
    [
        ("a.txt", {}, "identity"),
        ("a.txt", {"Content_Encoding": "gzip"}, "gzip"),
        ("a.txt", {"Content_Encoding": "X-GZIP"}, "gzip"),
        ("a.txt", {"Content_Encoding": "gzip", "Content_Length": "1000"}, "identity"),
        ("a.tar.gz", {"Content_Encoding": "x-gzip"}, "identity"),
        ("a.txt", {"Content_Encoding": "br"}, "br"),
    ],
)
def test_coding_of_the_body(name, headers, coding):
    assert body_coding(fields(**headers), Source(name, (URL,), size=1000, sha256="ab" * 32)) == coding


@pytest.mark.parametrize(
    ("start", "title"),
    [
        (b"<!DOCTYPE html><title>A &amp;\n B</title>", "A & B"),
        (b"\xef\xbb\xbf  <HTML><body>", ""),
        (b"<!-- hello --><html>", ""),
        (b"\x1f\x8b\x08 <html>", None),
        (b"<?xml version='1.0'?><a/>", None),
        (b"", None),
    ],
)
def test_html_is_recognised_by_its_beginning(start, title):
    assert html_title(start) == title


@given(st.binary(max_size=200))
def test_html_title_takes_any_bytes(start):
    html_title(start)
    html_title(b"<html><title>" + start)


def test_waits_double_and_end():
    patience, waits = Patience(), []
    for _ in range(4):
        patience, wait = after_failure(patience, 0, 1000, SETTINGS)
        waits.append(wait)
    assert waits == [0.5, 1.0, 2.0, None]


def test_progress_resets_the_count_of_failures():
    patience = Patience()
    for reached in range(10, 1000, 10):
        patience, wait = after_failure(patience, reached, 1000, SETTINGS)
        assert wait == 0.5


def test_a_byte_now_and_then_is_no_progress():
    patience, waits = Patience(), []
    for reached in range(4):
        patience, wait = after_failure(patience, reached, 10**9, SETTINGS)
        waits.append(wait)
    assert waits[-1] is None


@given(st.lists(st.integers(0, 10**9)), st.floats(0, 1e9))
def test_no_wait_is_longer_than_the_longest(reached, retry_after):
    patience = Patience()
    for count in reached:
        patience, wait = after_failure(patience, count, None, SETTINGS, retry_after)
        assert wait is None or 0 <= wait <= LONGEST_WAIT_SECONDS


def test_mirror_locations():
    assert mirror_locations(SOURCE, None) == ()
    assert mirror_locations(SOURCE, "https://mirror.org/x") == ("https://mirror.org/x/file.tar.gz",)
    assert mirror_locations(SOURCE, "/a b") == (
        Path("/a b/file.tar.gz"),
        Path("/a b/sources/sha256", "ab" * 32),
    )
