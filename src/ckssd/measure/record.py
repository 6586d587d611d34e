"""Result files: written whole or not at all, and none left behind by a run that fails."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

TIMER_FILE = "tmp-ck-timer.json"
DETECTIONS_FILE = "detections.json"
IMAGE_TIMES_FILE = "image-times.json"
FAILURE_FILE = "tmp-ck-failure.txt"


def discard(paths: Iterable[Path]) -> None:
    """Remove the results of an earlier run, so that a failed one cannot be taken for it."""
    for path in paths:
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON to a file; see write_whole."""

    def write(file: TextIO) -> None:
        json.dump(content, file, indent=2, sort_keys=True)
        file.write("\n")

    write_whole(path, write)


def write_whole(path: Path, write: Callable[[TextIO], None]) -> None:
    """Write a file beside its place and rename it there: a reader sees all of it or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            write(file)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
