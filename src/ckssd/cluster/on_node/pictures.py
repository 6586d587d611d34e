"""Pictures that a node fetches itself from an address, by fsspec, each known by its size and SHA-256.

What may be over in a moment (a server that is busy, a connection that breaks or falls silent) is tried again;
what will not is said at once. Credentials are found by fsspec's parts, as they always do.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import random
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ckssd.cluster.on_node.problem import NodeError, problem

AT_ONCE = 8
TRIES = 4
FIRST_PAUSE_S = 0.5  # twice as long before each further try, by chance half to one and a half of that
WEB = ("http", "https")
MORE_THAN_A_MOMENT = range(400, 500)
A_MOMENT = (408, 425, 429)  # of those: too slow, too early, too many
SENT = "--cluster-images sent sends the data set's own files"


@dataclass(frozen=True)
class Source:
    """Where a batch's pictures are, and what they have to be.

    ``address``: as it was given, with its secrets; ``shown``: without. ``wanted``: file name to SHA-256 and
    size in bytes. ``within_s``: how long one try of one picture may take.
    """

    address: str
    shown: str
    wanted: Mapping[str, tuple[str, int]]
    within_s: float

    def place(self, name: str) -> str:
        """The address of a picture, as it may be shown."""
        return _below(self.shown, name)


@dataclass(frozen=True)
class Fetched:
    """What was fetched: bytes, and how often something was tried again."""

    bytes: int
    retries: int


def fetch(source: Source, folder: Path) -> Fetched:
    """Fetch all pictures into a folder; raises a NodeError for the first that cannot be had."""
    files = _file_system(source)
    size = retries = 0
    stop = threading.Event()
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        waiting = {pool.submit(_fetch_one, files, source, name, stop): name for name in source.wanted}
        for done in concurrent.futures.as_completed(waiting):
            content, again = done.result()
            path = folder / waiting[done]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            size, retries = size + len(content), retries + again
    finally:  # the others end with the try that they are at
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
    return Fetched(size, retries)


def _file_system(source: Source) -> Any:
    """The part of fsspec that serves the address."""
    scheme = urlsplit(source.address).scheme.lower()
    try:
        import fsspec

        own = {"client_kwargs": {"trust_env": True}} if scheme in WEB else {}  # proxies, as everywhere
        found = fsspec.core.url_to_fs(source.address, **own)[0]
    except ImportError as error:
        raise _lacking(scheme, error) from error
    except ValueError as error:
        raise problem(
            "usage", "fsspec does not know such addresses", source.shown, got=f"{scheme}://", advice=SENT
        ) from error
    except Exception as error:  # whatever its parts raise
        raise _not_had(source.shown, _said(error, source)) from error
    return found


def _lacking(scheme: str, error: ImportError) -> NodeError:
    packages = {"s3": "fsspec s3fs", "s3a": "fsspec s3fs", **dict.fromkeys(WEB, "fsspec aiohttp")}
    lacks = packages.get(scheme, f"fsspec and what it takes for {scheme}://")
    return problem(
        "not-installed",
        f"Ray's Python lacks what fetches pictures from {scheme}://",
        sys.executable,
        got=str(error),
        advice=f"install it there: pip install {lacks} (the package lib,ray has it); or {SENT}",
    )


def _fetch_one(files: Any, source: Source, name: str, stop: threading.Event) -> tuple[bytes, int]:
    """A picture's bytes, and how often it was tried again."""
    reasons: list[str] = []
    for number in range(TRIES):
        if number and stop.wait(FIRST_PAUSE_S * 2 ** (number - 1) * (0.5 + random.random())):  # noqa: S311
            break
        try:
            content = _read(files, _address(source.address, name), source.within_s)
        except FileNotFoundError as error:
            raise _not_had(source.place(name), "there is no such file") from error
        except PermissionError as error:
            raise _not_had(source.place(name), _said(error, source)) from error
        except Exception as error:  # whatever fsspec's parts raise
            status = getattr(error, "status", None)
            if status in MORE_THAN_A_MOMENT and status not in A_MOMENT:
                raise _not_had(source.place(name), _said(error, source)) from error
            reasons.append(_said(error, source))
            continue
        if len(content) >= source.wanted[name][1]:
            _check(content, source, name)
            return content, number
        reasons.append(f"{len(content)} of {source.wanted[name][1]} bytes")  # as if it had been cut off
    raise _not_had(source.place(name), f"{len(reasons)} tries: {'; '.join(dict.fromkeys(reasons))}")


def _read(files: Any, address: str, within_s: float) -> bytes:
    content: bytes
    path = files._strip_protocol(address)
    if not files.async_impl:  # such parts have time limits of their own, if any; a batch has one in any case
        content = files.cat_file(path)
    else:
        from fsspec.asyn import sync

        content = sync(files.loop, files._cat_file, path, timeout=within_s)
    return content


def _check(content: bytes, source: Source, name: str) -> None:
    sha256, size = source.wanted[name]
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise problem(
            "verification",
            "A picture at the address is not the data set's own",
            source.place(name),
            expected=f"{size} bytes, sha256 {sha256}",
            got=f"{len(content)} bytes, sha256 {found}",
            advice=SENT,
        )


def _address(base: str, name: str) -> str:
    return _below(base, quote(name) if urlsplit(base).scheme.lower() in WEB else name)


def _below(base: str, name: str) -> str:
    """The address of a file below one: its name goes behind the path, before what follows a ``?``."""
    path, mark, query = base.partition("?")
    return path + name + mark + query


def _not_had(where: str, got: str) -> NodeError:
    return problem("network", "A picture cannot be fetched", where, got=got, advice=SENT)


def _said(error: Exception, source: Source) -> str:
    """What an error says, on one line; of an address's secrets the driver takes out what is left."""
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return f"no whole answer within {source.within_s:g} s"
    status = getattr(error, "status", None)
    if isinstance(status, int) and status >= 300:
        return f"HTTP status {status}"
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said.replace(source.address, source.shown)}"[:300]
