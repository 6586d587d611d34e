"""Arguments NAME=VALUE, as several commands take them."""

from __future__ import annotations

from ckssd.errors import UsageError
from ckssd.secrets import public_value


def pairs(texts: list[str], flag: str) -> dict[str, str]:
    """Split ``NAME=VALUE`` arguments; addresses among the values are made public.

    Raises
    ------
    UsageError
        One has no name or no equals sign.
    """
    result = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError("An argument is not a pair", where=flag, expected="NAME=VALUE", got=text)
        result[name] = public_value(value)
    return result
