"""Random draws that are the same on every numpy version: one generator per image, uniform doubles only.

Integers, choices and directions are derived from uniform doubles here, because numpy promises a stable bit
stream for those alone. Nothing goes through ``sin`` or ``exp``, whose last bit depends on the processor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Floats = npt.NDArray[np.float64]


class Draws:
    """The random numbers of one image.

    Parameters
    ----------
    seed
        Seed of the data set, 0 or more.
    index
        Number of the image in it.
    """

    def __init__(self, seed: int, index: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))

    def uniform(self, low: float, high: float) -> float:
        """One double in [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def integer(self, low: int, high: int) -> int:
        """One integer in [low, high], both ends included."""
        return low + math.floor(self.uniform(0.0, high - low + 1))

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[self.integer(0, len(options) - 1)]

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.uniform(0.0, 1.0) < probability

    def direction(self) -> tuple[float, float]:
        """Cosine and sine of a uniform angle: a point of the unit disc, normalised."""
        while True:
            x, y = self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0)
            square = x * x + y * y
            if 0.01 < square <= 1.0:
                length = math.sqrt(square)
                return x / length, y / length

    def colour(self) -> Floats:
        """Red, green and blue in [0, 255), shape [3]."""
        return 255.0 * self.field(3)

    def field(self, *shape: int) -> Floats:
        """An array of doubles in [0, 1)."""
        return np.asarray(self._generator.random(shape), dtype=np.float64)
