"""Getting a source: from the cache, a mirror, a URL or a registry, verified before anybody sees it.

The order is always cache, mirror, URLs as listed, package registry. Bytes grow in a part file in the cache
folder, so an interrupted download goes on in a later run (a registry's client keeps what it has by its own
rules); only a file whose hash fits is moved to its place.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ckssd.errors import CkssdError, NetworkError, VerificationError
from ckssd.fetch.cache import SourceCache, State, unwritable
from ckssd.fetch.decide import mirror_locations
from ckssd.fetch.hashing import CHUNK_BYTES, difference, hash_file
from ckssd.fetch.outcome import Attempts, Fetched, accept
from ckssd.fetch.partfile import PartFile, TooManyBytesError
from ckssd.fetch.settings import Settings
from ckssd.fetch.source import Source, how_to_accept
from ckssd.report import say

# Puts the file of a source that has a ``purl`` into a folder, by the registry's own client; returns the file.
Registry = Callable[[Source, Path], Path]


def fetch(
    source: Source,
    settings: Settings | None = None,
    *,
    quiet: bool = False,
    registry: Registry | None = None,
) -> Fetched:
    """Return the file of ``source`` in the cache, downloading it when it is not there whole.

    Parameters
    ----------
    settings
        Taken from the environment when left out.
    quiet
        Show no progress (faults that were survived are still told).
    registry
        What asks a package registry for a source that has a ``purl``; whatever it raises comes through.

    Raises
    ------
    VerificationError
        A place gave other bytes than stated, and no other place gave the right ones; or the source has
        no hash and is not accepted by name.
    NetworkError
        No place could be reached to the end, or ``CKSSD_OFFLINE`` forbids to try.
    EnvironmentSetupError
        The cache cannot be written, or the disk is full.
    """
    settings = settings or Settings.from_environment()
    if source.digest is None and source.file_name not in settings.accept_unverified:
        raise VerificationError(
            "a source has no hash and was not accepted by name",
            where=source.file_name,
            advice=how_to_accept(source.file_name),
        )
    cache = SourceCache(settings.cache)
    return _from_cache(cache, source) or _fetch_under_lock(cache, source, settings, quiet, registry)


def _fetch_under_lock(
    cache: SourceCache, source: Source, settings: Settings, quiet: bool, registry: Registry | None
) -> Fetched:
    attempts = Attempts()
    mirrors = mirror_locations(source, settings.mirror)
    files = [place for place in mirrors if isinstance(place, Path) and place.is_file()]
    if settings.offline and not files:
        # Before the lock file is made, which a read-only cache would refuse.
        raise _offline(cache, source, attempts)
    with cache.lock(source):
        # Somebody else may have fetched it while this process waited for the lock.
        found = _from_cache(cache, source)
        if found is None:
            _drop_corrupt(cache, source)
            found = _from_mirror_folder(cache, source, files, attempts)
        if found is None and settings.offline:
            raise _offline(cache, source, attempts)
        urls = [*(place for place in mirrors if isinstance(place, str)), *source.urls]
        if found is None and urls:
            from ckssd.fetch.urls import download  # imports requests: only when something is downloaded

            found = download(cache, source, urls, settings, attempts, quiet=quiet)
        if found is None and source.purl is not None and registry is not None:
            found = _from_registry(cache, source, registry, attempts)
    if found is None:
        raise _nobody_gave_it(source, attempts)
    return found


def _from_cache(cache: SourceCache, source: Source) -> Fetched | None:
    state, found = cache.look(source)
    path = cache.path_of(source)
    if state is not State.WHOLE or found is None or path is None:
        return None
    return Fetched(source, path, found.size, found.sha256, cache.url_of(source), from_cache=True)


def _drop_corrupt(cache: SourceCache, source: Source) -> None:
    state, found = cache.look(source)
    if state is State.CORRUPT:
        expected, got = (found and difference(source, found)) or ("a readable file", "none")
        say(f"{cache.path_of(source)}: the cached file is damaged (expected {expected}, got {got}); removed")
        cache.drop(source)


def _from_mirror_folder(
    cache: SourceCache, source: Source, files: list[Path], attempts: Attempts
) -> Fetched | None:
    for file in files:
        found = _copy_from_mirror(cache, source, file, attempts)
        if found is not None:
            return found
    return None


def _copy_from_mirror(cache: SourceCache, source: Source, file: Path, attempts: Attempts) -> Fetched | None:
    """Copy ``file`` of a mirror folder into the cache when it is the right one.

    A copy, no link: what happens to the mirror later must not happen to the cache.
    """
    own = cache.part_of(source)
    with PartFile(own.with_name(own.name + ".mirror"), source) as part:
        part.clear()
        try:
            with file.open("rb") as stream:
                while data := stream.read(CHUNK_BYTES):
                    part.write(data)
        except TooManyBytesError:
            attempts.note(file, f"more than the stated {source.size} bytes", wrong_bytes=True)
            part.clear()
            return None
        except OSError as error:
            attempts.note(file, error.strerror or str(error))
            part.clear()
            return None
        return accept(cache, source, part, str(file), attempts)


def _from_registry(
    cache: SourceCache, source: Source, registry: Registry, attempts: Attempts
) -> Fetched | None:
    """Let the registry's client put the file into a folder of the cache, and take it when it is right."""
    work = cache.client_folder_of(source)
    try:
        shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
        try:
            work.mkdir(parents=True)
        except OSError as error:
            raise unwritable(work, error) from error
        file = registry(source, work)
        digests = hash_file(file)
        fault = difference(source, digests)
        if fault is not None:
            reason = f"wrong file (expected {fault[0]}, got {fault[1]})"
            attempts.note(source.purl, reason, wrong_bytes=True)
            return None
        path = cache.add(file, source, digests, str(source.purl))
        return Fetched(source, path, digests.size, digests.sha256, str(source.purl), from_cache=False)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _offline(cache: SourceCache, source: Source, attempts: Attempts) -> CkssdError:
    path = cache.path_of(source)
    places = [f"put it at {path}"] if path is not None else []
    places.append("put it into a folder and set CKSSD_MIRROR to that, or unset CKSSD_OFFLINE")
    state, _ = cache.look(source)
    state_of_cache = "a damaged copy in the cache" if state is State.CORRUPT else "no copy in the cache"
    return (VerificationError if attempts.wrong_bytes else NetworkError)(
        "a file is needed and CKSSD_OFFLINE forbids to download it",
        where=source.origin,
        expected=" ".join([source.file_name, *(source.digest or ())]),
        got="; ".join([*attempts.reasons, state_of_cache]),
        advice=", or ".join(places),
    )


def _nobody_gave_it(source: Source, attempts: Attempts) -> CkssdError:
    again = "try again later (the download goes on where it stopped)" if source.urls else "try again later"
    if source.purl is not None and attempts.wrong_bytes:
        again = "do not trust this registry"
    return (VerificationError if attempts.wrong_bytes else NetworkError)(
        f"{source.file_name} could not be downloaded",
        expected=" ".join(source.digest) if source.digest else None,
        got="; ".join(attempts.reasons),
        advice=f"{again}, or put the right file into a folder and set CKSSD_MIRROR to it",
    )
