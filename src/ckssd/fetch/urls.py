"""Downloading from a list of URLs: with patience at each of them, then from the next.

Kept apart from :mod:`ckssd.fetch.download` because importing ``requests`` takes longer than most runs of
ckssd, which find everything in the cache.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

import requests

from ckssd import __version__
from ckssd.errors import EnvironmentSetupError
from ckssd.fetch.cache import SourceCache
from ckssd.fetch.decide import Patience, after_failure
from ckssd.fetch.hashing import difference
from ckssd.fetch.outcome import Attempts, Fetched, accept
from ckssd.fetch.partfile import PartFile
from ckssd.fetch.settings import Settings
from ckssd.fetch.source import Source
from ckssd.fetch.transfer import InterruptedDownloadError, RefusedError, transfer
from ckssd.report import ByteProgress, say


def download(
    cache: SourceCache,
    source: Source,
    urls: Sequence[str],
    settings: Settings,
    attempts: Attempts,
    *,
    quiet: bool,
) -> Fetched | None:
    """Fetch ``source`` from the first of ``urls`` that gives it; ``None`` (and notes) when none does.

    The lock of the source must be held. The part file survives every failure but a wrong hash.

    Raises
    ------
    EnvironmentSetupError
        The cache cannot be written, or the disk is too full.
    """
    with requests.Session() as session:
        session.headers["User-Agent"] = f"ckssd/{__version__}"
        for url in urls:
            found = _from_url(session, cache, source, url, settings, attempts, quiet)
            if found is not None:
                return found
    return None


def _from_url(
    session: requests.Session,
    cache: SourceCache,
    source: Source,
    url: str,
    settings: Settings,
    attempts: Attempts,
    quiet: bool,
) -> Fetched | None:
    with (
        PartFile(cache.part_of(source), source) as part,
        ByteProgress(source.file_name, source.size, quiet=quiet) as bar,
    ):
        try:
            _transfer_patiently(session, url, source, part, settings, bar)
            if part.mixed and difference(source, part.digests()) is not None:
                # Bytes of several answers (or runs) do not fit together: take all from one.
                say(f"{url}: the resumed file is wrong; downloading it whole")
                part.clear()
                _transfer_patiently(session, url, source, part, settings, bar)
        except RefusedError as refused:
            attempts.note(url, refused.reason, wrong_bytes=refused.wrong_bytes)
            return None
        except InterruptedDownloadError as interrupted:
            attempts.note(url, interrupted.reason)
            return None
        return accept(cache, source, part, url, attempts)


def _transfer_patiently(
    session: requests.Session,
    url: str,
    source: Source,
    part: PartFile,
    settings: Settings,
    bar: ByteProgress,
) -> None:
    """Ask ``url`` again after each interruption, as long as :func:`after_failure` allows."""
    if source.size is not None and part.size > source.size:
        part.clear()
    bar.at(part.size)
    patience = Patience(0, part.size)
    while source.size is None or part.size < source.size or part.size == 0:
        try:
            _check_room(part, source)
            transfer(session, url, source, part, settings, bar.at)
            return
        except InterruptedDownloadError as interrupted:
            patience, wait = after_failure(
                patience, part.size, source.size, settings, interrupted.retry_after
            )
            if wait is None:
                raise
            say(f"{url}: {interrupted.reason}; trying again in {wait:.1f} s at byte {part.size}")
            time.sleep(wait)


def _check_room(part: PartFile, source: Source) -> None:
    """Fail before the first byte when the disk cannot hold the file."""
    if source.size is None:
        return
    free = shutil.disk_usage(part.path.parent).free
    if free < source.size - part.size:
        raise EnvironmentSetupError(
            f"the disk is too full for {source.file_name}",
            where=part.path.parent,
            expected=f"{source.size - part.size} bytes free",
            got=f"{free} bytes free",
            advice="free some space, or choose another folder with CKSSD_CACHE",
        )
