"""What a person may say about a source that the source does not say itself."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PIXEL = 1


@dataclass(frozen=True)
class Reading:
    """How to read a source.

    ``split``: the one to read, ``all`` for all; None: the only one. ``first_pixel``: of VOC's corners, see
    :mod:`ckssd.formats.voc`.
    """

    split: str | None = None
    first_pixel: int = FIRST_PIXEL
