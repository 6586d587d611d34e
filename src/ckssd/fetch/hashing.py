"""Digests of files, computed while the bytes pass by or from what is on disk."""

from __future__ import annotations

import hashlib
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

from ckssd.endings import put_off
from ckssd.fetch.source import Source

CHUNK_BYTES = 1 << 20
PIECES = 4  # that wait to be hashed


@dataclass(frozen=True)
class Digests:
    """Size in bytes and hexadecimal digests of one file; ``md5`` only where it was asked for."""

    size: int
    sha256: str
    md5: str | None = None


class Hasher:
    """Size, sha256 and, where it decides, md5 of the bytes given so far."""

    def __init__(self, *, with_md5: bool = False) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def update(self, data: bytes | memoryview) -> None:
        """Take in the next bytes."""
        self.size += len(data)
        self._sha256.update(data)
        if self._md5 is not None:
            self._md5.update(data)

    def digests(self) -> Digests:
        """What the bytes so far amount to."""
        md5 = None if self._md5 is None else self._md5.hexdigest()
        return Digests(self.size, self._sha256.hexdigest(), md5)


class BackgroundHasher:
    """A :class:`Hasher` in a thread of its own, so that hashing and receiving share the time.

    Without the processor's SHA instructions, hashing takes longer than a fast line.

    Ctrl-C may come at any instruction. A lock of Python's own (``queue.Queue`` has some) can then stay taken
    for ever, and the end of the download would wait for it; ``SimpleQueue`` has none.
    """

    def __init__(self, *, with_md5: bool = False) -> None:
        self.size = 0
        self._hasher = Hasher(with_md5=with_md5)
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Bounded, so that a slow processor holds up the line instead of filling the memory: a piece takes a
        # place, and gives it back once it is hashed.
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(PIECES):
            self._places.put(None)
        self._thread: threading.Thread | None = None

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        self.size += len(data)
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="ckssd-hash", daemon=True)
            with put_off():  # what waits for the start has locks, too, and only what has started can be ended
                thread.start()
                self._thread = thread
        self._places.get()
        self._pieces.put(data)

    def digests(self) -> Digests:
        """What the bytes so far amount to, once they are all hashed."""
        for _ in range(PIECES):
            self._places.get()
        for _ in range(PIECES):
            self._places.put(None)
        return self._hasher.digests()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (data := self._pieces.get()) is not None:
            self._hasher.update(data)
            self._places.put(None)


def hash_file(path: Path, *, with_md5: bool = False) -> Digests:
    """Digests of the file ``path``, read in pieces of 1 MiB.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    hasher = Hasher(with_md5=with_md5)
    buffer = memoryview(bytearray(CHUNK_BYTES))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            hasher.update(buffer[:count])
    return hasher.digests()


def needs_md5(source: Source) -> bool:
    """Whether an md5 has to be computed for ``source``: only where it is the best hash known."""
    return source.sha256 is None and source.md5 is not None


def difference(source: Source, found: Digests) -> tuple[str, str] | None:
    """Say the first thing in which ``found`` is not ``source``: ``(expected, got)``, or ``None``."""
    if source.size is not None and found.size != source.size:
        return f"{source.size} bytes", f"{found.size} bytes"
    if source.sha256 is not None and found.sha256 != source.sha256:
        return f"sha256 {source.sha256}", f"sha256 {found.sha256}"
    if needs_md5(source) and found.md5 != source.md5:
        return f"md5 {source.md5}", f"md5 {found.md5}"
    return None
