"""JSON files that a person or another process gives: their content, or one error that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
