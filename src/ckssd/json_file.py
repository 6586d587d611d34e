"""JSON files: what a person or another process gives, or one error that names the file; written whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ckssd.errors import InputError


def read_object(path: Path, name: str) -> dict[str, Any]:
    """Return the object in a JSON file.

    Parameters
    ----------
    name
        What the errors call the content, in the plural (``settings``).

    Raises
    ------
    InputError
        The file cannot be read, is no JSON, or has something else in it.
    """
    content = _read(path, name)
    if not isinstance(content, dict):
        raise InputError(f"The {name} are no JSON object", where=path, got=type(content).__name__)
    return content


def read_list(path: Path, name: str) -> list[Any]:
    """Return the list in a JSON file; parameters and errors as of :func:`read_object`."""
    content = _read(path, name)
    if not isinstance(content, list):
        raise InputError(f"The {name} are no list", where=path, got=type(content).__name__)
    return content


def _read(path: Path, name: str) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"The {name} cannot be read", where=path, got=error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The {name} are no JSON", where=path, got=error) from error


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
        # The name of a file may have bytes that are no UTF-8: half characters here, written as escapes.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            write(file)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def plain(described: Any) -> dict[str, Any]:
    """Return what an instance of a dataclass holds as JSON values, for another process."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(described), default=str))
    return values
