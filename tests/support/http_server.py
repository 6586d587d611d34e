"""A real HTTP server on this machine that can misbehave in every way a download has to survive.

    with LocalServer() as server:
        url = server.serve("file.bin", Page(body, reset_after=1000))

A page can be replaced while the server runs, and ``server.requests`` tells what was asked for.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import http.server
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import unquote

PIECE = 1 << 18


@dataclass(frozen=True)
class Page:
    """One file as it is served.

    ``reset_after``: bytes sent in each answer before the connection is reset; ``stall_at``: the byte of
    the file at which it falls silent. ``failures``: how many requests are
    answered with ``status`` before the file is served (all, when it is ``None`` and status is not 200).
    ``login``: ``name:password`` without which the answer is 401.
    ``length``: "true", "none" (the body ends with the connection), "chunked", or a number to lie with.
    """

    body: bytes
    status: int = 200
    failures: int | None = None
    content_type: str = "application/octet-stream"
    etag: str | None = '"one"'
    last_modified: str | None = None
    ranges: bool = True
    wrong_range: bool = False
    gzip: bool = False
    label_gzip: bool = False
    length: str | int = "true"
    reset_after: int | None = None
    resets: int | None = None
    stall_at: int | None = None
    drip_seconds: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    login: str | None = None


@dataclass(frozen=True)
class Request:
    """A request that came in; header names are in lower case."""

    path: str
    headers: Mapping[str, str]

    @property
    def range_start(self) -> int | None:
        """First byte asked for, when a range was."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(match[1]) if match else None


class LocalServer:
    """The server; a context manager."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._served: dict[str, int] = {}
        server = self

        class Handler(_Handler):
            local = server

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> LocalServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def url(self, path: str) -> str:
        """URL of ``path``, whether or not it is served."""
        return f"{self.address}/{path}"

    def serve(self, path: str, page: Page | bytes) -> str:
        """Serve ``page`` from now on; return its URL."""
        self.pages[path] = Page(page) if isinstance(page, bytes) else page
        return self.url(path)

    def asked(self, path: str) -> list[Request]:
        """Requests for ``path`` so far."""
        return [request for request in self.requests if request.path == path]

    def take(self, path: str, headers: Mapping[str, str]) -> tuple[Page | None, int]:
        """Note a request; return its page and how many were before it."""
        with self._lock:
            self.requests.append(Request(path, headers))
            count = self._served.get(path, 0)
            self._served[path] = count + 1
            return self.pages.get(path), count


class _Handler(http.server.BaseHTTPRequestHandler):
    local: LocalServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(self.path.lstrip("/"))
        page, count = self.local.take(path, headers)
        self.close_connection = True
        if page is None:
            page = Page(b"<html><title>404</title></html>", status=404, content_type="text/html")
        elif page.login is not None and headers.get("authorization") != basic(page.login):
            page = Page(b"<html><title>401</title></html>", status=401, content_type="text/html")
        failing = page.status != 200 and (page.failures is None or count < page.failures)
        with contextlib.suppress(OSError):  # the client has gone
            self._answer(page, headers, count, failing)

    def _answer(self, page: Page, headers: Mapping[str, str], count: int, failing: bool) -> None:
        start = self._start(page, headers)
        body = gzip.compress(page.body) if page.gzip else page.body[start or 0 :]
        status = page.status if failing else 200
        if status == 200 and start is not None:
            if start >= len(page.body):
                status, body = 416, b""
            else:
                status = 206
        self.send_response(status)
        self._send_fields(page, status, start, body)
        if failing and page.status != 200:
            body = body[:1000]
        self._send_body(page, body, start or 0, count)

    def _start(self, page: Page, headers: Mapping[str, str]) -> int | None:
        match = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not match or not page.ranges or page.gzip:
            return None
        if headers.get("if-range") not in {None, page.etag, page.last_modified}:
            return None
        return int(match[1])

    def _send_fields(self, page: Page, status: int, start: int | None, body: bytes) -> None:
        self.send_header("Content-Type", page.content_type)
        if page.etag is not None:
            self.send_header("ETag", page.etag)
        if page.last_modified is not None:
            self.send_header("Last-Modified", page.last_modified)
        if page.gzip or page.label_gzip:
            self.send_header("Content-Encoding", "gzip")
        if status == 206 and start is not None:
            first = start + (7 if page.wrong_range else 0)
            self.send_header("Content-Range", f"bytes {first}-{len(page.body) - 1}/{len(page.body)}")
        if page.length == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif page.length != "none":
            self.send_header("Content-Length", str(len(body) if page.length == "true" else page.length))
        for name, value in page.headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _send_body(self, page: Page, body: bytes, start: int, count: int) -> None:
        resets = page.reset_after is not None and (page.resets is None or count < page.resets)
        end = len(body)
        if resets and page.reset_after is not None:
            end = min(end, page.reset_after)
        if page.stall_at is not None:
            end = min(end, max(0, page.stall_at - start))
        view = memoryview(body)[:end]
        for at in range(0, len(view), PIECE):
            self._send_piece(page, view[at : at + PIECE])
        if page.stall_at is not None and end < len(body):
            self.local.closing.wait(60)
        elif resets and end < len(body):
            self._reset()
        elif page.length == "chunked" and end == len(body):
            self.wfile.write(b"0\r\n\r\n")

    def _send_piece(self, page: Page, piece: memoryview) -> None:
        if page.drip_seconds is not None:
            for byte in piece:
                if self.local.closing.is_set():
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(page.drip_seconds)
        elif page.length == "chunked":
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        else:
            self.wfile.write(piece)

    def _reset(self) -> None:
        """End the connection by RST, as a crashed server or a firewall does."""
        self.wfile.flush()
        time.sleep(0.02)  # what was sent arrives first; a reset throws away what the client has not read
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def basic(login: str) -> str:
    """The header by which HTTP's basic authentication carries ``name:password``."""
    return "Basic " + base64.b64encode(login.encode()).decode()


def changed(page: Page, **fields: object) -> Page:
    """``page`` with other fields."""
    return dataclasses.replace(page, **fields)  # type: ignore[arg-type]
