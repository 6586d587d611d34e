"""What a command returns, and the one place that prints it: text for people or one JSON envelope."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ckssd.errors import CkssdError
from ckssd.secrets import hide_addresses, hide_in

ENVELOPE_VERSION = 1


@dataclass(frozen=True)
class Result:
    """What a command has to say: plain data for machines, a text for people.

    ``error`` is set when the command did its work and found a fault (a changed file, a check that failed):
    text and data are printed all the same, and the process ends with the error's code.
    """

    text: str
    data: Any = field(default_factory=dict)
    error: CkssdError | None = None


def envelope(command: str, result: Result | None, errors: list[CkssdError]) -> dict[str, Any]:
    """Return the versioned envelope that every command prints with ``--json``."""
    return {
        "ckssd": ENVELOPE_VERSION,
        "command": command,
        "status": "failed" if errors else "ok",
        "data": hide_in(result.data) if result else {},
        "errors": [error.as_dict() for error in errors],
    }


def show(command: str, result: Result, *, as_json: bool) -> None:
    """Print a result on standard output; a reader that went away (`| head`) is no error."""
    with contextlib.suppress(BrokenPipeError):
        _show(command, result, as_json=as_json)
        sys.stdout.flush()
        return
    # What is left in the buffer would raise again when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _show(command: str, result: Result, *, as_json: bool) -> None:
    if as_json:
        errors = [result.error] if result.error else []
        print(json.dumps(envelope(command, result, errors), indent=2, sort_keys=True))
    elif result.text:
        print(hide_addresses(result.text))
    if result.error:
        sys.stdout.flush()
        print(f"ckssd {command}: {result.error}", file=sys.stderr)


def show_error(command: str, error: CkssdError, *, as_json: bool) -> None:
    """Print an error: one line on standard error, and the envelope on standard output if asked for."""
    if as_json:
        print(json.dumps(envelope(command, None, [error]), indent=2, sort_keys=True))
    print(f"ckssd {command}: {error}", file=sys.stderr)


@contextlib.contextmanager
def output_to_stderr() -> Iterator[None]:
    """Send everything that is printed meanwhile, by CK and its child processes too, to standard error.

    A command's standard output holds its result and nothing else.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
