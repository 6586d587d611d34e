"""What Pillow decoded, as RGB with 8 bits a channel: brightness is scaled, never clipped.

- Black and white (``1``), grey (``L``): three equal channels. Palettes, CMYK, YCbCr, LAB: as Pillow converts
  them without profiles (ICC). Transparency (``LA``, ``RGBA``, a palette's) is dropped, the colours kept.
- 16-bit grey: value / 257, rounded, so that 65535 is 255; 12-bit TIFF likewise, by 4095.
- 16-bit colour: Pillow keeps the upper 8 bits, one less than rounding at most.
- Whole numbers and floats of 32 bits (``I``, ``F``: TIFF, PGM, FITS) do not say what white is. PGM: 65535, as
  Pillow scales it. Otherwise floats all within 0..1 are multiplied by 255; values all within 0..255 are kept;
  all others are scaled so that the least is 0 and the greatest 255 (one value alone is 0). NaN and infinity
  are refused. Where zero is white in a TIFF, it is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ckssd.detect.pixels import Pixels

RULES = 2  # to be raised whenever a file gets other pixels: kept ones are then made again
WHITE, DEEP_WHITE = 255, 65535
BITS_PER_SAMPLE, PHOTOMETRIC, ZERO_IS_WHITE = 258, 262, 0  # tags of TIFF 6.0
DEEP_FORMATS = ("PNG", "PPM")  # their I is 16 bits

Numbers = npt.NDArray[Any]


def to_rgb(image: Image.Image) -> Pixels:
    """The pixels of a loaded image.

    Raises
    ------
    ValueError
        If some are no numbers, or of colours that Pillow does not convert.
    """
    if not image.mode.startswith(("I", "F")):
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    values = np.asarray(image)
    grey = _scaled(values, *_range(image, values))
    if _tiff_tag(image, PHOTOMETRIC) == ZERO_IS_WHITE:
        grey = WHITE - grey
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def _range(image: Image.Image, values: Numbers) -> tuple[float, float]:
    """The values that become 0 and 255."""
    if image.mode.startswith("I;16"):
        bits = _tiff_tag(image, BITS_PER_SAMPLE)
        return 0, 4095 if bits == (12,) else DEEP_WHITE
    if image.mode == "I" and image.format in DEEP_FORMATS:
        return 0, DEEP_WHITE
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):  # a NaN is its own least and greatest
        raise ValueError("values that are no numbers: NaN or infinity")
    if low >= 0 and high <= 1 and image.mode == "F":
        return 0, 1
    return (0, WHITE) if low >= 0 and high <= WHITE else (low, high)


def _scaled(values: Numbers, low: float, high: float) -> Pixels:
    """Row by row: in full precision, a whole image would need eight times its bytes."""
    grey = np.zeros(values.shape, np.uint8)
    if high > low:
        for row, scaled in zip(values, grey, strict=True):
            scaled[:] = np.rint((row.astype(np.float64) - low) * WHITE / (high - low))
    return grey


def _tiff_tag(image: Image.Image, tag: int) -> object:
    return image.tag_v2.get(tag) if hasattr(image, "tag_v2") else None
