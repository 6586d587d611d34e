"""Resizing to the network's input size, by one of three stated methods.

``pillow``: Pillow's bilinear, which averages over all pixels that an output pixel covers (antialiasing),
rounded to 8 bits. The program that published the reference accuracies resized so, hence the default.
``tf1``: TensorFlow 1's ``resize_images`` (bilinear, align_corners=False): output pixel i samples input
position i * input / output, without averaging and rounding. A frozen graph's own Preprocessor does this.
``opencv``: OpenCV's own ``resize`` with INTER_LINEAR: bilinear between the pixels around
(i + 0.5) * input / output - 0.5, without averaging, in fixed-point arithmetic, rounded to 8 bits.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ckssd.detect.choices import DEFAULT_RESIZE, ResizeMethod
from ckssd.detect.pixels import Pixels
from ckssd.errors import EnvironmentSetupError

DESCRIPTIONS = {
    "pillow": "Pillow bilinear (antialiased, rounded to 8 bits)",
    "tf1": "TensorFlow 1 bilinear (align_corners=False, not antialiased, not rounded)",
    "opencv": "OpenCV bilinear (half-pixel centres, not antialiased, rounded to 8 bits)",
}
# The distribution whose version decides the resized pixels.
LIBRARIES = {"pillow": "pillow", "tf1": "opencv-python-headless", "opencv": "opencv-python-headless"}
DTYPES = {"pillow": np.uint8, "tf1": np.float32, "opencv": np.uint8}

Floats = npt.NDArray[np.float32]
Resized = Floats | Pixels


def resize(pixels: Pixels, width: int, height: int, method: ResizeMethod = DEFAULT_RESIZE) -> Resized:
    """Resize uint8 [h, w, 3] to [height, width, 3]: uint8, or float32 in 0..255 for ``tf1``.

    Raises
    ------
    EnvironmentSetupError
        The method needs OpenCV, and this Python has none.
    """
    if method == "pillow":
        image = Image.fromarray(pixels)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    resized: Resized = (
        _by_opencv(pixels, width, height) if method == "opencv" else _tf1(pixels, width, height)
    )
    return resized


def _by_opencv(pixels: Pixels, width: int, height: int) -> Any:
    cv2 = _opencv()
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)


def _tf1(pixels: Pixels, width: int, height: int) -> Any:
    """A scaling about the first pixel's centre; OpenCV 5 interpolates float pixels in full precision."""
    cv2 = _opencv()
    # float32, as TensorFlow's kernel has it
    across = np.float32(pixels.shape[1]) / np.float32(width)
    down = np.float32(pixels.shape[0]) / np.float32(height)
    return cv2.warpAffine(
        pixels.astype(np.float32),
        np.array([[across, 0, 0], [0, down, 0]], np.float64),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


@cache
def _opencv() -> Any:
    """OpenCV, imported only when a method needs it, and kept to the calling thread."""
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        raise EnvironmentSetupError(
            "The resize methods tf1 and opencv need OpenCV", got=str(error), advice="or take CK_RESIZE=pillow"
        ) from error
    cv2.setNumThreads(1)  # an image for each core is faster than an image on all cores
    return cv2
