"""Which part of a run's images one process takes: ``2/8`` is the second of eight, by image ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckssd.errors import UsageError
from ckssd.values import bad_value

EXPECTED = "K/N: part K of N, such as 2/8"


@dataclass(frozen=True, order=True)
class Shard:
    """Part ``number``, from 1 on, of ``of`` parts that differ in size by one image at most."""

    number: int
    of: int

    def __str__(self) -> str:
        """As it is written: ``2/8``."""
        return f"{self.number}/{self.of}"

    def bounds(self, images: int) -> tuple[int, int]:
        """The places of its images, first and behind the last, among so many.

        Raises
        ------
        UsageError
            There are fewer images than parts.
        """
        if images < self.of:
            raise UsageError(
                "There are more parts than images", where=f"CK_SHARD={self}", expected=f"at most {images}"
            )
        return (self.number - 1) * images // self.of, self.number * images // self.of


WHOLE = Shard(1, 1)


def shard(name: str, value: Any) -> Shard:
    """The check of a setting: text such as ``2/8``, or the fields of a Shard."""
    if isinstance(value, Mapping):
        value = f"{value.get('number')}/{value.get('of')}"
    parts = re.fullmatch(r"\s*([0-9]{1,7})/([0-9]{1,7})\s*", str(value), re.ASCII)
    number, of = (int(part) for part in parts.groups()) if parts else (0, 0)
    if not 1 <= number <= of:
        raise bad_value(name, EXPECTED, value)
    return Shard(number, of)
