"""What a network is fed: size, element type, and the straight line from grey levels to its values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ckssd.detect.choices import ResizeMethod
from ckssd.detect.detections import Detections
from ckssd.detect.pixels import Pixels
from ckssd.detect.resize import DTYPES, Resized, resize
from ckssd.errors import InputError
from ckssd.graph.pipeline import read_pipeline
from ckssd.graph.resizer import AspectResizer
from ckssd.model.beside import find_pipeline
from ckssd.tflite.model import TensorInfo

INPUT_TYPES = ("float32", "uint8", "int8")
LEAST_SIDE = 8

Tensor = npt.NDArray[Any]


@dataclass(frozen=True)
class NetworkInput:
    """One image tensor [1, height, width, 3], red first.

    A grey level v of 0..255 becomes ``scale * v + offset``, rounded and limited for the integer types.
    ``dtype`` is ``float32``, ``uint8`` or ``int8``. ``any_size``: the graph is fed images as they are, and
    resizes them to this size itself. ``aspect``: images keep their aspect ratio in it, with padding at the
    bottom and on the right; None: they are stretched to its size.
    """

    width: int
    height: int
    dtype: str = "float32"
    scale: float = 1.0
    offset: float = 0.0
    any_size: bool = False
    aspect: AspectResizer | None = None

    def resized(
        self, pixels: Pixels, method: ResizeMethod | None, whole: tuple[int, int] | None = None
    ) -> Resized:
        """An image [h, w, 3] as it is fed: resized by the method, and padded; None leaves it as it is.

        ``whole``: width and height of the picture, if it was decoded to fewer pixels.
        """
        if method is None or self.any_size:
            return pixels
        if self.aspect is None:
            return resize(pixels, self.width, self.height, method)
        width, height = whole or (pixels.shape[1], pixels.shape[0])
        image = resize(pixels, *self.resized_size(width, height), method)
        canvas = np.empty((self.height, self.width, 3), self.resized_type(method))
        canvas[...] = self.aspect.pad
        canvas[: image.shape[0], : image.shape[1]] = image
        return canvas

    def resized_size(self, width: int, height: int) -> tuple[int, int]:
        """The width and height that a picture of this size is resized to, without padding."""
        room = (self.width, self.height)
        return room if self.aspect is None else self.aspect.resized(width, height, room)

    def resized_type(self, method: ResizeMethod) -> npt.DTypeLike:
        """The element type of resized images: grey levels between two whole ones need float32."""
        pad = () if self.aspect is None else self.aspect.pad
        return np.float32 if any(value % 1 for value in pad) else DTYPES[method]

    def in_picture(self, found: Detections, width: int, height: int) -> Detections:
        """Detections as fractions of a picture of this size, not of what it was resized and padded to.

        Those without an area in the picture are left out, as TensorFlow does it.
        """
        if self.aspect is None:
            return found
        new_width, new_height = self.resized_size(width, height)
        shares = np.array([new_height / self.height, new_width / self.width] * 2, np.float32)
        boxes = np.clip(found.boxes / shares, 0.0, 1.0)
        kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        others = tuple(self.in_picture(each, width, height) for each in found.others)
        return Detections(boxes[kept], found.classes[kept], found.scores[kept], others)

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
        if resized.dtype == np.uint8 and self.scale == 1.0:
            if (self.dtype, self.offset) == ("uint8", 0.0):
                return resized
            if (self.dtype, self.offset) == ("int8", -128.0):  # in one pass, a thirtieth of the time below
                return (resized.view(np.uint8) ^ np.uint8(128)).view(np.int8)
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


def keeping_aspect(network: NetworkInput, model: Path) -> NetworkInput:
    """The input of a model whose file does not say how images get there: a pipeline.config beside it does.

    Raises
    ------
    InputError
        It cannot be read, or pads images to another size than the model's.
    """
    config = find_pipeline(model)
    pipeline = None if config is None else read_pipeline(config)
    aspect = None if pipeline is None else pipeline.aspect_resizer()
    if pipeline is None or aspect is None:
        return network
    if aspect.padded and (network.width, network.height) != (aspect.most, aspect.most):
        raise InputError(
            "The pipeline.config beside the model is of another model",
            where=config,
            expected=f"images padded to {network.width}x{network.height}, as {model.name} takes them",
            got=f"{aspect.most}x{aspect.most}",
            advice="put the one there that the model was exported with, or none",
        )
    if pipeline.is_tensorflow_2():  # it normalises before it pads
        red, green, blue = ((value - network.offset) / network.scale for value in aspect.pad)
        aspect = dataclasses.replace(aspect, pad=(red, green, blue))
    return dataclasses.replace(network, aspect=aspect)


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
