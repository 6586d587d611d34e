"""Whether published files can be reached, and how large they say they are.

Asked with GET, whose body is not read: not every server knows HEAD. Many URLs are asked at once, because a
host that does not answer takes its whole timeout.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from ckssd import __version__
from ckssd.fetch.transfer import BROKEN_LINE, short_reason
from ckssd.secrets import given

TIMEOUT_SECONDS = 10.0
AT_ONCE = 16


@dataclass(frozen=True)
class Reach:
    """What a URL answered.

    ``size`` is the stated number of bytes, ``None`` when the answer has none; ``reason`` says why it cannot
    be reached, ``""`` when it can.
    """

    url: str
    size: int | None = None
    reason: str = ""

    @property
    def reachable(self) -> bool:
        """Whether the URL answered as a file does."""
        return not self.reason


def reach(urls: Iterable[str], timeout: float = TIMEOUT_SECONDS) -> dict[str, Reach]:
    """Ask every URL for its headers; never raises for what a server or the network does."""
    wanted = sorted(set(urls))
    with requests.Session() as session, ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        session.headers.update({"User-Agent": f"ckssd/{__version__}", "Accept-Encoding": "identity"})
        return dict(zip(wanted, pool.map(lambda url: _ask(session, url, timeout), wanted)))


def _ask(session: requests.Session, url: str, timeout: float) -> Reach:
    try:
        with session.get(given(url), timeout=timeout, stream=True) as answer:
            return _of(url, answer)
    except BROKEN_LINE as error:
        return Reach(url, reason=short_reason(error))


def _of(url: str, answer: requests.Response) -> Reach:
    if answer.status_code != requests.codes.ok:
        return Reach(url, reason=f"{answer.status_code} {answer.reason}")
    length = answer.headers.get("Content-Length", "")
    return Reach(url, size=int(length) if length.isdecimal() else None)
