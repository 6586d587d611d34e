"""What came of fetching a source: the verified file, or a list of what was tried and why it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ckssd.fetch.cache import SourceCache
from ckssd.fetch.hashing import difference
from ckssd.fetch.partfile import PartFile
from ckssd.fetch.source import Source
from ckssd.report import say


@dataclass(frozen=True)
class Fetched:
    """A verified file: where it is, what it is, and the URL (or mirror path) that served it."""

    source: Source
    path: Path
    size: int
    sha256: str
    url: str | None
    from_cache: bool


@dataclass
class Attempts:
    """What was tried for one source; ``wrong_bytes`` once a place gave something else than the file."""

    reasons: list[str] = field(default_factory=list)
    wrong_bytes: bool = False

    def note(self, place: object, reason: str, *, wrong_bytes: bool = False) -> None:
        """Remember, and tell, why ``place`` did not give the file."""
        self.reasons.append(f"{place}: {reason}")
        self.wrong_bytes = self.wrong_bytes or wrong_bytes
        say(f"{place}: {reason}")


def accept(
    cache: SourceCache, source: Source, part: PartFile, place: str, attempts: Attempts
) -> Fetched | None:
    """Move the finished ``part`` into the cache when its bytes are right; throw them away when not.

    Raises
    ------
    EnvironmentSetupError
        The cache cannot be written.
    """
    digests = part.digests()
    fault = difference(source, digests)
    if fault is not None:
        attempts.note(place, f"wrong file (expected {fault[0]}, got {fault[1]})", wrong_bytes=True)
        part.clear()
        return None
    path = cache.add(part.path, source, digests, place)
    part.remove_note()
    return Fetched(source, path, digests.size, digests.sha256, place, from_cache=False)
