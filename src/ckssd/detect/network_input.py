"""What a network is fed: size, element type, and the straight line from grey levels to its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ckssd.detect.resize import Resized
from ckssd.errors import InputError
from ckssd.tflite.model import TensorInfo

INPUT_TYPES = ("float32", "uint8", "int8")
LEAST_SIDE = 8

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


class HasInputs(Protocol):
    """A model of any format."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def inputs(self) -> Sequence[TensorInfo]:
        """What it is fed."""


def image_input(model: HasInputs, *, normalize: bool = True) -> NetworkInput:
    """What the model's one image input is fed; ``normalize`` False feeds a float model 0 to 255.

    Integer inputs are fed grey levels, int8 ones 128 less: that is what a quantised image is, whether the
    network was trained with -1 to 1, 0 to 1 or 0 to 255.

    Raises
    ------
    InputError
        If the model has another input.
    """
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    fits = len(shape) == 4 and (shape[0], shape[3]) == (1, 3) and model.inputs[0].dtype in INPUT_TYPES
    # A size that is left open stands as 1 in the file.
    if not fits or min(shape[1:3]) < LEAST_SIDE:
        raise other_input(
            model, f"one tensor [1, height, width, 3] of a fixed size, {', '.join(INPUT_TYPES)}"
        )
    height, width, dtype = shape[1], shape[2], model.inputs[0].dtype
    if dtype == "float32" and normalize:
        return normalised(width, height)
    return NetworkInput(width, height, dtype, offset=-128.0 if dtype == "int8" else 0.0)


def other_input(model: HasInputs, expected: str) -> InputError:
    """The error for a model whose inputs are not what was expected: it lists those that it has."""
    return InputError(
        "The model has not the expected input",
        where=model.path,
        expected=expected,
        got=", ".join(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in model.inputs)
        or "none",
    )
