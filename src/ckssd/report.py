"""What a person sees while long work runs: named steps and progress, on standard error.

On a terminal tqdm draws bars; elsewhere (CI, a log file, an interpreter without tqdm) a few plain lines say
the same.
Results never pass through here: they go to standard output, printed once, by the caller.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ckssd.errors import CkssdError
from ckssd.secrets import hide

T = TypeVar("T")

PLAIN_LINE_EVERY_S = 5.0


def say(text: str) -> None:
    """Print one line of progress for people, without the secrets of addresses in it."""
    print(hide(text), file=sys.stderr, flush=True)


def failed(error: CkssdError, prefix: str, error_file: Path | None = None) -> int:
    """Print an error as one line, or write it as JSON for the process that will print it.

    Returns
    -------
    int
        The exit code that the process should end with.
    """
    if error_file is None:
        say(f"{prefix}: {error}")
    else:
        error_file.write_text(json.dumps(error.as_dict()), encoding="utf-8")
    return error.exit_code


def step(name: str) -> None:
    """Name the step of long work that begins now."""
    say(f"==> {name}")


def progress(
    items: Iterable[T], *, total: int | None, name: str, unit: str = "image", quiet: bool = False
) -> Iterator[T]:
    """Pass ``items`` through while showing how many of ``total`` (None: nobody knows) are done."""
    bar = None if quiet else _bar(iterable=items, total=total, desc=name, unit=unit)
    if quiet:
        yield from items
    elif bar is not None:
        yield from bar
    else:
        yield from _plain_lines(items, total, name, unit)


def _bar(**settings: Any) -> Any:
    """A bar of tqdm's on a terminal; None elsewhere, and in an interpreter without tqdm (TensorFlow 1's)."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm  # only needed on a terminal
    except ImportError:
        return None
    return tqdm(**settings, file=sys.stderr)


def _plain_lines(items: Iterable[T], total: int | None, name: str, unit: str) -> Iterator[T]:
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= PLAIN_LINE_EVERY_S and (total is None or done < total):
            last = now
            whole = "" if total is None else f" of {total}"
            say(f"{name}: {done}{whole} {unit}s")
    say(f"{name}: done")


class ByteProgress:
    """Show how many bytes of one file are there; ``at`` may also go backwards, when a download starts over.

    Parameters
    ----------
    total
        Bytes of the whole file, or ``None`` when nobody knows.
    """

    def __init__(self, name: str, total: int | None, *, quiet: bool = False) -> None:
        self._name = name
        self._total = total
        self._quiet = quiet
        self._done = 0
        self._last = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> ByteProgress:
        if not self._quiet:
            self._bar = _bar(total=self._total, desc=self._name, unit="B", unit_scale=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif not self._quiet:
            whole = self._total is None or self._done >= self._total
            say(f"{self._name}: {'' if whole else 'stopped at '}{_megabytes(self._done)} MB")

    def at(self, done: int) -> None:
        """``done`` bytes are there now."""
        if self._bar is not None:
            self._bar.update(done - self._done)
        elif not self._quiet and time.monotonic() - self._last >= PLAIN_LINE_EVERY_S:
            self._last = time.monotonic()
            whole = "" if self._total is None else f" of {_megabytes(self._total)}"
            say(f"{self._name}: {_megabytes(done)}{whole} MB")
        self._done = done


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}"
