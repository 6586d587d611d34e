"""What a run read, told apart from every other file: name, size and hash.

ckssd.fetch hashes too, but cannot be imported in a runtime's environment, which lacks requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class HashedFile:
    """A file's name without its folder, its size in bytes, and its sha256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.name} ({self.bytes} bytes) sha256 {self.sha256}"


@dataclass(frozen=True)
class HashedModel:
    """The files that make up a model, the main one first; ``sha256`` is of their bytes, one after another."""

    files: tuple[HashedFile, ...]
    sha256: str

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)


def hash_model(paths: Sequence[Path]) -> HashedModel:
    """Hash the files of a model; raises as hash_file does."""
    whole = hashlib.sha256()
    files = tuple(hash_file(path, also=whole.update) for path in paths)
    return HashedModel(files, whole.hexdigest())


def hash_file(path: Path, also: Callable[[bytes], None] | None = None) -> HashedFile:
    """Hash a file, a block at a time; ``also`` is given each block.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    for block in _blocks(path):
        digest.update(block)
        size += len(block)
        if also is not None:
            also(block)
    return HashedFile(path.name, size, digest.hexdigest())


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except OSError as error:
        raise InputError("The file cannot be read", where=path, got=error.strerror) from error
