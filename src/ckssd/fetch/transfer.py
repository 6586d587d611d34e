"""One connection: ask a URL for a file or the rest of it, and let the bytes flow into the part file.

What to do with each kind of answer is decided in :mod:`ckssd.fetch.decide`; this module acts.
"""

from __future__ import annotations

import http.client
import re
import time
import zlib
from collections.abc import Callable, Iterator

import requests
import urllib3

from ckssd.fetch.decide import Step, body_coding, decide_answer, refuse_body, request_headers
from ckssd.fetch.hashing import CHUNK_BYTES
from ckssd.fetch.partfile import PartFile, TooManyBytesError
from ckssd.fetch.settings import Settings
from ckssd.fetch.source import Source
from ckssd.secrets import given, hide

CONNECT_SECONDS = 15.0
STALLED_BYTES_PER_SECOND = 1024
BROKEN_LINE = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    zlib.error,
)
HOPELESS = (
    requests.TooManyRedirects,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.SSLError,
)


class RefusedError(Exception):
    """A URL cannot give the file; ``wrong_bytes`` tells whether it gave something else instead."""

    def __init__(self, reason: str, *, wrong_bytes: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wrong_bytes = wrong_bytes


class InterruptedDownloadError(Exception):
    """The line broke; trying again may go on from what is there."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


def transfer(
    session: requests.Session,
    url: str,
    source: Source,
    part: PartFile,
    settings: Settings,
    moved: Callable[[int], None],
) -> None:
    """Ask ``url`` once and write what comes into ``part``; return when the body has come to its end.

    Parameters
    ----------
    moved
        Called with the number of bytes in ``part`` whenever that changes.

    Raises
    ------
    RefusedError
        The URL has no such file, or has another one.
    InterruptedDownloadError
        The connection failed, stalled or ended early.
    EnvironmentSetupError
        The part file cannot be written.
    """
    headers = request_headers(part.state(), url, verifiable=source.digest is not None)
    if "Range" not in headers:
        part.clear()  # nothing could judge a seam between what is there and what will come
    try:
        with session.get(
            given(url), headers=headers, stream=True, timeout=(CONNECT_SECONDS, settings.stall_seconds)
        ) as response:
            _take(response, url, source, part, settings, moved)
    except HOPELESS as error:
        raise RefusedError(short_reason(error)) from error
    except BROKEN_LINE as error:
        raise InterruptedDownloadError(short_reason(error)) from error


def _take(
    response: requests.Response,
    url: str,
    source: Source,
    part: PartFile,
    settings: Settings,
    moved: Callable[[int], None],
) -> None:
    decision = decide_answer(response.status_code, response.headers, part.size, source)
    if decision.step is Step.NEXT_URL:
        raise RefusedError(decision.reason)
    if decision.step is Step.RETRY:
        raise InterruptedDownloadError(decision.reason, decision.retry_after)
    if decision.step is Step.START_OVER:
        part.clear()
        raise InterruptedDownloadError(decision.reason, 0.0)

    coding = "identity" if decision.step is Step.APPEND else body_coding(response.headers, source)
    pieces = _pieces(response, coding, settings.stall_seconds)
    if decision.step is Step.WRITE:
        first = next(pieces, b"")
        reason = refuse_body(response.headers, first, coding, source)
        if reason is not None:
            raise RefusedError(reason, wrong_bytes=True)
        part.start(url, response.headers.get("ETag"), response.headers.get("Last-Modified"))
        _write(part, first, source)
        moved(part.size)
    else:
        part.mixed = True
    for piece in pieces:
        _write(part, piece, source)
        moved(part.size)
    if source.size is not None and part.size < source.size:
        raise InterruptedDownloadError(f"the body ended after {part.size} of {source.size} bytes")


def _write(part: PartFile, data: bytes, source: Source) -> None:
    try:
        part.write(data)
    except TooManyBytesError as error:
        part.clear()
        raise RefusedError(
            f"the server sent more than the stated {source.size} bytes", wrong_bytes=True
        ) from error


def _pieces(response: requests.Response, coding: str, stall_seconds: float) -> Iterator[bytes]:
    raw = _raw_pieces(response, stall_seconds)
    return raw if coding != "gzip" else _gunzipped(raw)


def _raw_pieces(response: requests.Response, stall_seconds: float) -> Iterator[bytes]:
    """The body as it comes, each piece as soon as it is there, so that a reset loses nothing.

    The socket's own timeout catches silence; the window here catches a server that drips.
    """
    window_end, window_bytes = time.monotonic() + stall_seconds, 0
    while piece := response.raw.read1(CHUNK_BYTES, decode_content=False):
        yield piece
        window_bytes += len(piece)
        now = time.monotonic()
        if now >= window_end:
            if window_bytes < STALLED_BYTES_PER_SECOND * stall_seconds:
                raise InterruptedDownloadError(f"the server sent {window_bytes} bytes in {stall_seconds:g} s")
            window_end, window_bytes = now + stall_seconds, 0


def _gunzipped(raw: Iterator[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    for piece in raw:
        # Bounded output: a small body must not become a huge piece in memory.
        while piece:
            data = decoder.decompress(piece, CHUNK_BYTES)
            piece = decoder.unconsumed_tail
            if data:
                yield data
    rest = decoder.flush()
    if rest:
        yield rest
    if not decoder.eof:
        raise InterruptedDownloadError("the compressed body ended early")


def short_reason(error: BaseException) -> str:
    """The innermost cause in a few words: requests nests three errors around 'Connection refused'."""
    seen: BaseException = error
    for _ in range(10):
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        seen = inner
    text = getattr(seen, "strerror", None) or str(seen).split(": ", 1)[-1] or type(seen).__name__
    # requests names what it asked without the server: "/file?signature=…"
    return re.sub(r"\?\S+=\S+", "?…", hide(" ".join(str(text).split())))[:200]
