"""Parts of an image's time, measured where they happen and taken by who runs the image.

Each thread has its own: one thread runs an image from its file to its detections.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESIZING, POSTPROCESSING = LAPS = ("resize", "postprocess")

_own = threading.local()


@contextmanager
def lap(name: str) -> Iterator[None]:
    """Add the time of what happens inside to this thread's part of that name."""
    started = time.perf_counter()
    yield
    laps = _laps()
    laps[name] = laps.get(name, 0.0) + time.perf_counter() - started


def taken() -> dict[str, float]:
    """Seconds of each part since this was asked last, in this thread."""
    laps = _laps()
    _own.laps = {}
    return laps


def _laps() -> dict[str, float]:
    laps: dict[str, float] | None = getattr(_own, "laps", None)
    if laps is None:
        laps = _own.laps = {}
    return laps
