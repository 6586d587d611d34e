"""What to ask of a server and what to make of its answer: decisions only, no connection, no file.

Every function is pure, so each misbehaviour of a server is one call in a test.
Status codes and the Range, If-Range, Content-Range and Retry-After fields follow RFC 9110.
"""

from __future__ import annotations

import enum
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ckssd.fetch.settings import Settings
from ckssd.fetch.source import Source

RETRY_STATUS = frozenset({408, 425, 429})
LONGEST_WAIT_SECONDS = 30.0
PROGRESS_BYTES = 64 * 1024
WANTS = {
    401: ": it wants a name and a password, best from ~/.netrc (machine HOST login NAME password WORD), or in"
    " the address, where they have to be given each time: they are never recorded",
    403: ": it does not let you; a signed address has to be given anew each time (its signature is never"
    " recorded and expires), a name and a password are taken from ~/.netrc",
}
GZIP_NAMES = (".gz", ".tgz")
HTML_NAMES = (".html", ".htm", ".xhtml", ".xml", ".svg")


@dataclass(frozen=True)
class Part:
    """An unfinished download: its bytes so far, and what the server said about the whole file."""

    size: int
    url: str
    etag: str | None = None
    last_modified: str | None = None


class Step(enum.Enum):
    """What to do with a server's answer."""

    APPEND = "append"
    WRITE = "write from the start"
    START_OVER = "ask again for the whole file"
    RETRY = "try again later"
    NEXT_URL = "try the next URL"


@dataclass(frozen=True)
class Decision:
    """A step, why, and after how many seconds the server wants to be asked again."""

    step: Step
    reason: str = ""
    retry_after: float | None = None


@dataclass(frozen=True)
class Patience:
    """Failures in a row, and the bytes there when they were last counted anew."""

    failures: int = 0
    reached: int = 0


def mirror_locations(source: Source, mirror: str | None) -> tuple[str | Path, ...]:
    """Places to look at before the source's own URLs.

    A mirror folder holds files by name, or is a copy of a ckssd cache; a mirror URL serves files by name.
    """
    if mirror is None:
        return ()
    if mirror.startswith(("http://", "https://")):
        return (f"{mirror}/{quote(source.file_name)}",)
    places = [Path(mirror) / source.file_name]
    if source.digest is not None:
        places.append(Path(mirror, "sources", *source.digest))
    return tuple(places)


def request_headers(part: Part | None, url: str, *, verifiable: bool) -> dict[str, str]:
    """Header fields of a request for ``url`` that goes on from ``part``.

    Without a validator of this very URL the rest is only asked for when a hash will judge the whole.
    """
    headers = {"Accept-Encoding": "identity"}
    if part is None or part.size == 0:
        return headers
    validator = None
    if part.url == url:
        # RFC 9110 13.1.5: a weak entity tag must not be sent in If-Range.
        strong = part.etag if part.etag and not part.etag.startswith("W/") else None
        validator = strong or part.last_modified
    if validator is not None:
        headers["If-Range"] = validator
    if validator is not None or verifiable:
        headers["Range"] = f"bytes={part.size}-"
    return headers


def decide_answer(status: int, headers: Mapping[str, str], offset: int, source: Source) -> Decision:
    """What to do with an answer to a request for the bytes from ``offset`` on.

    ``headers`` must look names up without regard to case.
    """
    if status == 200:
        return Decision(Step.WRITE)
    if status == 206:
        return _decide_partial(headers, offset, source)
    if status == 416:
        return Decision(Step.START_OVER, "the server has no bytes beyond those already here (416)")
    if status in RETRY_STATUS or 500 <= status < 600:
        return Decision(Step.RETRY, f"the server answered {status}", _seconds(headers.get("Retry-After")))
    return Decision(Step.NEXT_URL, f"the server answered {status}{WANTS.get(status, '')}")


def _decide_partial(headers: Mapping[str, str], offset: int, source: Source) -> Decision:
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != offset or body_coding(headers, source) != "identity":
        return Decision(Step.START_OVER, "the server sent another part of the file than asked for")
    if source.size is not None and match[2] not in {"*", str(source.size)}:
        return Decision(Step.NEXT_URL, f"the server's file has {match[2]} bytes instead of {source.size}")
    return Decision(Step.APPEND)


def body_coding(headers: Mapping[str, str], source: Source) -> str:
    """``gzip`` when the body has to be decompressed to be the file, else ``identity``.

    Some servers label a ``.tar.gz`` as gzip-coded; its own bytes are wanted then. An unknown coding is
    returned as it is named.
    """
    coding = headers.get("Content-Encoding", "identity").strip().lower() or "identity"
    coding = "gzip" if coding == "x-gzip" else coding
    if coding == "gzip":
        length = headers.get("Content-Length")
        names_itself_gzip = source.file_name.lower().endswith(GZIP_NAMES)
        if names_itself_gzip or (length is not None and length == str(source.size)):
            return "identity"
    return coding


def refuse_body(headers: Mapping[str, str], start: bytes, coding: str, source: Source) -> str | None:
    """Why a whole body that begins with ``start`` cannot be the file; ``None`` when it may be.

    ``start`` is already decoded.
    """
    if coding not in {"identity", "gzip"}:
        return f"the server sent the file in a coding nobody asked for ({coding})"
    title = html_title(start)
    if title is not None and not source.file_name.lower().endswith(HTML_NAMES):
        return f"an HTML page came instead of the file{': ' + title if title else ''}"
    length = headers.get("Content-Length")
    if coding == "identity" and source.size is not None and length is not None and length.strip().isdigit():
        if int(length) > source.size:
            return f"the server offers {length} bytes, more than the stated {source.size}"
        if int(length) < source.size:
            return f"the server offers {length} bytes, fewer than the stated {source.size}"
    return None


def html_title(start: bytes) -> str | None:
    """Title of the HTML page that begins with ``start`` (perhaps empty); ``None`` when it is no HTML."""
    text = start[:65536].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    text = re.sub(r"^(<!--.*?-->\s*)+", "", text, flags=re.DOTALL)
    if not re.match(r"<(!doctype\s+html|html|head|body)\b", text, re.IGNORECASE):
        return None
    match = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    title = " ".join(html.unescape(match[1]).split()) if match else ""
    return "".join(char for char in title if char.isprintable())[:100]


def after_failure(
    patience: Patience, reached: int, size: int | None, settings: Settings, retry_after: float | None = None
) -> tuple[Patience, float | None]:
    """The patience left after a failure with ``reached`` bytes on disk, and the seconds to wait.

    ``None`` seconds mean that this URL is given up. Failures are counted anew whenever a fair piece of the
    file arrived in between, so a long download over a bad line goes on, and one that creeps does not.
    """
    step = PROGRESS_BYTES if size is None else min(PROGRESS_BYTES, max(1, size // 100))
    progressed = reached >= patience.reached + step
    failures = 1 if progressed else patience.failures + 1
    after = Patience(failures, reached if progressed else patience.reached)
    if failures >= settings.max_failures:
        return after, None
    wait = settings.first_wait_seconds * 2.0 ** (failures - 1)
    return after, min(max(wait, retry_after or 0.0), LONGEST_WAIT_SECONDS)


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and re.fullmatch(r"\d{1,6}", value.strip()) else None
