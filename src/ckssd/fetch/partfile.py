"""The file that a download grows in: written, hashed and limited in one pass, resumable in a later run.

A note beside it (``.part.json``) keeps what the server said about the whole file, for If-Range.
"""

from __future__ import annotations

import contextlib
import json
import os
from io import FileIO
from pathlib import Path
from types import TracebackType

from ckssd.fetch.cache import unwritable
from ckssd.fetch.decide import Part
from ckssd.fetch.hashing import CHUNK_BYTES, BackgroundHasher, Digests, needs_md5
from ckssd.fetch.source import Source


class TooManyBytesError(Exception):
    """More bytes came than the source states; nothing beyond them was written."""


class PartFile:
    """A growing file at ``path``; use as a context manager.

    Raises
    ------
    EnvironmentSetupError
        From every method that writes: the disk is full, or the folder cannot be written.
    """

    def __init__(self, path: Path, source: Source) -> None:
        self.path = path
        self._source = source
        self._note = path.with_name(path.name + ".json")
        self._hasher = BackgroundHasher(with_md5=needs_md5(source))
        self._stream: FileIO | None = None
        self.mixed = False
        """Whether the bytes come from several answers: a wrong hash may then be a wrong seam."""

    def __enter__(self) -> PartFile:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self.path.open("ab", buffering=0)
            self._take_in_what_is_there()
            self.mixed = self.size > 0
        except OSError as error:
            raise unwritable(self.path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hasher.close()
        if self._stream is not None:
            self._stream.close()
        if self.size == 0:
            with contextlib.suppress(OSError):
                self.path.unlink()

    @property
    def _open(self) -> FileIO:
        if self._stream is None:
            raise ValueError("the part file is not open")
        return self._stream

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._hasher.size

    def state(self) -> Part:
        """The bytes so far with what was noted about where they came from."""
        note: object = None
        with contextlib.suppress(OSError, ValueError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
        fields = note if isinstance(note, dict) else {}
        texts = {key: value for key, value in fields.items() if isinstance(value, str)}
        return Part(self.size, texts.get("url", ""), texts.get("etag"), texts.get("last_modified"))

    def start(self, url: str, etag: str | None, last_modified: str | None) -> None:
        """Throw away what is there and note where the bytes to come are from."""
        self.clear()
        note = {"url": url, "etag": etag, "last_modified": last_modified}
        try:
            self._note.write_text(json.dumps(note), encoding="utf-8")
        except OSError as error:
            raise unwritable(self.path, error) from error

    def clear(self) -> None:
        """Throw away what is there."""
        try:
            self._note.unlink(missing_ok=True)
            # ext4 writes a file that was truncated to the disk when it is closed: not for nothing.
            if os.fstat(self._open.fileno()).st_size:
                self._open.truncate(0)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._hasher.close()
        self._hasher = BackgroundHasher(with_md5=needs_md5(self._source))
        self.mixed = False

    def write(self, data: bytes) -> None:
        """Append and hash ``data``.

        Raises
        ------
        TooManyBytesError
            The stated size would be passed.
        """
        if self._source.size is not None and self.size + len(data) > self._source.size:
            raise TooManyBytesError
        view = memoryview(data)
        try:
            while view:
                view = view[self._open.write(view) :]
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._hasher.update(data)

    def digests(self) -> Digests:
        """What the bytes so far are.

        They are not forced to the disk first: the cache hashes its files on every use anyway.
        """
        return self._hasher.digests()

    def remove_note(self) -> None:
        """Forget the note, once the file itself has been moved away."""
        with contextlib.suppress(OSError):
            self._note.unlink()

    def _take_in_what_is_there(self) -> None:
        with self.path.open("rb", buffering=0) as stream:
            while data := stream.read(CHUNK_BYTES):
                self._hasher.update(data)
