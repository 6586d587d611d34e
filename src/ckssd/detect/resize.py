"""Resizing to the network's input size, by one of three stated methods.

``pillow``: Pillow's bilinear, which averages over all pixels that an output pixel covers (antialiasing),
rounded to 8 bits. The program that published the reference accuracies resized so, hence the default.
``tf1``: TensorFlow 1's ``resize_images`` (bilinear, align_corners=False): output pixel i samples input
position i * input / output, without averaging and rounding. A frozen graph's own Preprocessor does this.
``opencv``: bilinear between the pixels around (i + 0.5) * input / output - 0.5, without averaging, rounded to
8 bits: OpenCV's INTER_LINEAR, within one grey level.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from ckssd.detect.images import Pixels

ResizeMethod = Literal["pillow", "tf1", "opencv"]
RESIZE_METHODS: tuple[ResizeMethod, ...] = get_args(ResizeMethod)
DEFAULT_RESIZE: ResizeMethod = "pillow"

DESCRIPTIONS = {
    "pillow": "Pillow bilinear (antialiased, rounded to 8 bits)",
    "tf1": "TensorFlow 1 bilinear (align_corners=False, not antialiased, not rounded)",
    "opencv": "OpenCV-like bilinear (half-pixel centres, not antialiased, rounded to 8 bits)",
}

Floats = npt.NDArray[np.float32]
Resized = Floats | Pixels


def resize(pixels: Pixels, width: int, height: int, method: ResizeMethod = DEFAULT_RESIZE) -> Resized:
    """Resize uint8 [h, w, 3] to [height, width, 3]: uint8, or float32 in 0..255 for ``tf1``."""
    if method == "pillow":
        image = Image.fromarray(pixels)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    rows = _samples(pixels.shape[0], height, method == "opencv")
    columns = _samples(pixels.shape[1], width, method == "opencv")
    resized = _interpolate(pixels, rows, columns)
    if method == "tf1":
        return resized
    return np.rint(resized).astype(np.uint8)


class _Samples:
    """For each output position: the two input positions it lies between, and the second one's weight."""

    def __init__(self, lower: npt.NDArray[np.intp], upper: npt.NDArray[np.intp], weight: Floats) -> None:
        self.lower = lower
        self.upper = upper
        self.weight = weight


@lru_cache(maxsize=256)
def _samples(size: int, output_size: int, half_pixel: bool) -> _Samples:
    scale = np.float32(size) / np.float32(output_size)  # float32, as TensorFlow's kernel has it
    position = np.arange(output_size, dtype=np.float32)
    if half_pixel:
        position = (position + np.float32(0.5)) * scale - np.float32(0.5)
        position = np.clip(position, 0, size - 1)
    else:
        position = position * scale
    lower = np.minimum(np.floor(position).astype(np.intp), size - 1)
    upper = np.minimum(lower + 1, size - 1)
    return _Samples(lower, upper, (position - lower).astype(np.float32))


def _interpolate(pixels: Pixels, rows: _Samples, columns: _Samples) -> Floats:
    """Along rows first, then along columns, in float32: TensorFlow's order."""
    across = columns.weight[np.newaxis, :, np.newaxis]
    down = rows.weight[:, np.newaxis, np.newaxis]
    top, bottom = (_blend_columns(pixels[which], columns, across) for which in (rows.lower, rows.upper))
    bottom -= top
    bottom *= down
    bottom += top
    return bottom


def _blend_columns(lines: Pixels, columns: _Samples, across: Floats) -> Floats:
    left = lines[:, columns.lower].astype(np.float32)
    right = lines[:, columns.upper].astype(np.float32)
    right -= left
    right *= across
    right += left
    return right
