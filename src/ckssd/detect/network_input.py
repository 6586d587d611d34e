"""What a network is fed: size, element type, and the straight line from grey levels to its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.detect.resize import Resized

Tensor = npt.NDArray[Any]


@dataclass(frozen=True)
class NetworkInput:
    """One image tensor [1, height, width, 3], red first.

    A grey level v of 0..255 becomes ``scale * v + offset``, rounded and limited for the integer types.
    ``dtype`` is ``float32``, ``uint8`` or ``int8``. ``any_size``: the graph is fed images as they are, and
    resizes them to this size itself.
    """

    width: int
    height: int
    dtype: str = "float32"
    scale: float = 1.0
    offset: float = 0.0
    any_size: bool = False

    def describe(self) -> str:
        """The values that black and white become: ``[-1, 1]``, or ``none (0 to 255)``."""
        if (self.scale, self.offset) == (1.0, 0.0):
            return "none (uint8 input)" if self.dtype == "uint8" else "none (0 to 255)"
        if (self.dtype, self.scale, self.offset) == ("int8", 1.0, -128.0):
            return "none (int8 input: grey levels less 128)"
        low, high = (round(self.scale * level + self.offset, 4) for level in (0, 255))
        kind = "" if self.dtype == "float32" else f" ({self.dtype} input)"
        return f"[{low:g}, {high:g}]{kind}"

    def feed(self, resized: Resized) -> Tensor:
        """The network's values [1, height, width, 3] of an image [height, width, 3] of 0..255."""
        tensor: Tensor = self._values(resized)[np.newaxis]
        return tensor

    def _values(self, resized: Resized) -> Tensor:
        if self.dtype == resized.dtype == np.uint8 and (self.scale, self.offset) == (1.0, 0.0):
            return resized
        values: Tensor = np.multiply(resized, np.float32(self.scale), dtype=np.float32)
        values += np.float32(self.offset)
        if self.dtype == "float32":
            return values
        limits = np.iinfo(self.dtype)
        steps: Tensor = np.clip(np.rint(values), limits.min, limits.max).astype(self.dtype)
        return steps


def normalised(width: int, height: int) -> NetworkInput:
    """The input of a float SSD-MobileNet: -1 to 1.

    ``2/255 * v - 1``, as in object_detection/models/ssd_mobilenet_v1_feature_extractor.py.
    """
    return NetworkInput(width, height, "float32", 2.0 / 255.0, -1.0)
