"""One family of errors: what happened, where, what was expected, what came instead, what to do.

Code that finds a fault raises; one place (the command line, the CK hooks, a program's ``main``) prints.
``code`` is a stable name for machines, ``exit_code`` the number a process ends with. No error has the
secrets of an address in it, whoever wrote its parts.
"""

from __future__ import annotations

from typing import Any

from ckssd.secrets import hide


class CkssdError(Exception):
    """Something a person can act on.

    Parameters
    ----------
    what
        What happened, one sentence without a full stop.
    where
        The file, URL, variable, node or tensor that it happened to.
    expected, got
        What should have been there, and what was.
    advice
        What the reader can do about it.
    """

    code = "error"
    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(hide(what))
        self.what = hide(what)
        self.where = None if where is None else hide(str(where))
        self.expected = None if expected is None else hide(str(expected))
        self.got = None if got is None else hide(str(got))
        self.advice = None if advice is None else hide(advice)

    def __str__(self) -> str:
        """One line for people: ``what: where (expected …, got …); advice``."""
        text = self.what
        if self.where is not None:
            text += f": {self.where}"
        facts = []
        if self.expected is not None:
            facts.append(f"expected {self.expected}")
        if self.got is not None:
            facts.append(f"got {self.got}")
        if facts:
            text += f" ({', '.join(facts)})"
        if self.advice:
            text += f"; {self.advice}"
        return printable(" ".join(text.split()))

    def as_dict(self) -> dict[str, Any]:
        """The same for machines; fields without a value are left out."""
        fields = {
            "code": self.code,
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "got": self.got,
            "advice": self.advice,
        }
        return {key: value for key, value in fields.items() if value is not None}


def printable(text: str) -> str:
    """Half characters cannot be written, control characters change a terminal: both as escapes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def short(text: str, length: int = 80) -> str:
    """Text out of a file for a message: on one line, printable, its middle left out if it is long."""
    if len(text) > length:
        text = f"{text[: length // 2]}…{text[1 - length // 2 :]}"
    return printable(text)


class UsageError(CkssdError):
    """A flag, variable or argument that makes no sense."""

    code = "usage"
    exit_code = 2


class InputError(CkssdError):
    """A file that a person gave is missing, unreadable or not what it should be."""

    code = "input"
    exit_code = 3


class NotInstalledError(CkssdError):
    """Something that has to be installed first is not, or several things match."""

    code = "not-installed"
    exit_code = 4


class VerificationError(CkssdError):
    """Bytes differ from what their recorded hash or size promises."""

    code = "verification"
    exit_code = 5


class NetworkError(CkssdError):
    """A source could not be reached, or not to its end."""

    code = "network"
    exit_code = 6


class EnvironmentSetupError(CkssdError):
    """The machine lacks something: a Python version, disk space, a permission, a tool."""

    code = "environment"
    exit_code = 7


class RunError(CkssdError):
    """A tool that was run as a process failed; ``got`` ends with its last lines."""

    code = "run"
    exit_code = 8


def error_from(fields: dict[str, Any]) -> CkssdError:
    """Return the error that another process described by :meth:`CkssdError.as_dict`."""
    kinds = {kind.code: kind for kind in CkssdError.__subclasses__()}
    kind = kinds.get(fields.get("code", ""), CkssdError)
    return kind(
        fields.get("what", "unknown error"),
        where=fields.get("where"),
        expected=fields.get("expected"),
        got=fields.get("got"),
        advice=fields.get("advice"),
    )
