"""Files that a command writes: never one that it reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ckssd.errors import UsageError


def refuse_overwriting_inputs(flag: str, output: Path | None, inputs: Iterable[Path | None]) -> None:
    """Raise a UsageError if a flag's file is one of those that are read: both may end in ``.json``."""
    if output is None:
        return
    place = output.resolve()
    if any(path is not None and path.resolve() == place for path in inputs):
        raise UsageError(f"{flag} would overwrite what is read", where=output, expected="another file")
