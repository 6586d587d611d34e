"""Grids of thresholds as a command line writes them: ``0.05:0.95:0.05``, or one or several numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from ckssd.errors import UsageError
from ckssd.values import bad_value

MOST = 1000
NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}")
EXPECTED = "BEGIN:END:STEP, or numbers with commas, from {} to 1"


def read_grid(name: str, text: str, *, above_zero: bool = False) -> tuple[float, ...]:
    """The thresholds of a text, rising, each once; BEGIN and END are among them where the steps reach them.

    In decimals, not in floats: 0.05:0.95:0.05 has 0.15 in it, and 0.95.

    Raises
    ------
    UsageError
        The text is no grid, leaves 0 to 1, or has more than 1000 thresholds; ``name`` is the flag's.
    """
    expected = EXPECTED.format("above 0" if above_zero else "0")
    parts = text.split(":")
    numbers = [part.strip() for part in (parts if len(parts) == 3 else text.split(","))]
    if not all(NUMBER.fullmatch(number) for number in numbers):
        raise bad_value(name, expected, text)
    values = [Decimal(number) for number in numbers]
    if len(parts) == 3:
        values = list(_steps(name, text, *values))
    if not values or min(values) < 0 or max(values) > 1 or (above_zero and min(values) == 0):
        raise bad_value(name, expected, text)
    return tuple(sorted({float(value) for value in values}))


def _steps(name: str, text: str, begin: Decimal, end: Decimal, step: Decimal) -> Iterator[Decimal]:
    if step <= 0 or end < begin:
        raise bad_value(name, "BEGIN:END:STEP with END at least BEGIN and a STEP above 0", text)
    if (end - begin) / step >= MOST:
        raise UsageError(f"{name} has too many thresholds", expected=f"at most {MOST}", got=repr(text))
    while begin <= end:
        yield begin
        begin += step
