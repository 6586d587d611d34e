"""Checks for single settings. Each takes the setting's name for the error, and text or a JSON value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError

Check = Callable[[str, Any], Any]

YES = ("yes", "true", "on", "1")
FLOAT32_MAX = 3.4e38  # what a model can hold
NO = ("no", "false", "off", "0", "")

_ADDRESS = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+:/{1,2}[^/]")


def whole_number(minimum: int, maximum: int | None = None) -> Check:
    """An integer, or decimal digits, within bounds."""
    expected = f"a whole number of at least {minimum}"
    if maximum is not None:
        expected = str(minimum) if minimum == maximum else f"a whole number from {minimum} to {maximum}"

    def check(name: str, value: Any) -> int:
        number = _integer(value)
        if number is None or number < minimum or (maximum is not None and number > maximum):
            raise bad_value(name, expected, value)
        return number

    return check


def real_number(minimum: float, maximum: float | None = None, *, above: bool = False) -> Check:
    """A number that float32 can hold, from ``minimum``, or truly ``above`` it, to ``maximum``."""
    expected = f"a number {'above' if above else 'of at least'} {minimum:g}"
    if maximum is not None:
        expected += f" and of at most {maximum:g}"
    largest = FLOAT32_MAX if maximum is None else maximum

    def check(name: str, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) or "_" in str(value) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not number <= largest or number < minimum or (above and number == minimum):
            raise bad_value(name, expected, value)
        return number

    return check


def choice(*allowed: str) -> Check:
    """One of a few words, in any case."""

    def check(name: str, value: Any) -> str:
        chosen = str(value).strip().lower()
        if chosen not in allowed:
            raise bad_value(name, " or ".join(allowed), value)
        return chosen

    return check


def switch(name: str, value: Any) -> bool:
    """Yes or no, in the ways that CK programs take them."""
    text = str(value).strip().lower()
    if text not in YES + NO:
        raise bad_value(name, "yes or no", value)
    return text in YES


def file_path(name: str, value: Any) -> Path:
    """A file that exists."""
    return _existing(name, value, Path.is_file, "an existing file")


def folder_path(name: str, value: Any) -> Path:
    """A folder that exists."""
    return _existing(name, value, Path.is_dir, "an existing folder")


def made_folder(name: str, value: Any) -> Path:
    """A folder that exists or can be made, for files of ours; as an absolute path."""
    path = Path(str(value)).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise bad_value(name, "a folder that exists or can be made", value) from error
    return path


def new_file(name: str, value: Any) -> Path:
    """A file to write, in a folder that exists; as an absolute path."""
    refuse_address(name, str(value))
    path = Path(str(value)).absolute()
    try:
        fits = path.parent.is_dir() and not path.is_dir()
    except (OSError, ValueError):
        fits = False
    if not fits:
        raise bad_value(name, "a file in a folder that exists", value)
    return path


def plain_text(name: str, value: Any) -> str:
    """Anything, as text."""
    return str(value)


def refuse_address(what: str, given: str | Path | None) -> None:
    """Raise a UsageError if an address is given where a file of this machine is wanted.

    As a path it would lose a slash, and what is written there would go to a folder ``https:``.
    """
    if given is not None and _ADDRESS.match(str(given)):
        raise UsageError(
            f"{what} is a file of this machine",
            expected="a path",
            got=f"an address, {given}",
            advice="download it first",
        )


def bad_value(name: str, expected: str, got: Any) -> UsageError:
    """The error for a value that a setting cannot have."""
    return UsageError(f"{name} has no value that can be used", expected=expected, got=repr(got))


def _integer(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    return None


def _existing(name: str, value: Any, exists: Callable[[Path], bool], expected: str) -> Path:
    path = Path(str(value))
    try:
        found = exists(path)
    except (OSError, ValueError):
        found = False
    if not found:
        raise bad_value(name, expected, value)
    return path
