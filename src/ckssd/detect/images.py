"""Image files as pixels: RGB, in stored orientation, 8 bits a channel.

COCO's boxes refer to the pixels as they are stored, so an EXIF orientation is not applied.
Grey images get three equal channels, CMYK and palettes are converted by Pillow, transparency is dropped,
and 16-bit grey keeps its upper 8 bits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ckssd.errors import InputError

CHANNEL_ORDER = "RGB"

Pixels = npt.NDArray[np.uint8]


def read_image(path: Path) -> Pixels:
    """Decode an image file.

    Returns
    -------
    Pixels
        uint8 [height, width, 3], red first.

    Raises
    ------
    InputError
        If the file is missing, unreadable, truncated or no image.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _to_rgb(image)
    except FileNotFoundError as error:
        raise InputError("The image is missing", where=path) from error
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(
            "The file is no image that can be read", where=path, got=_without_path(error)
        ) from error
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow's decoders raise for broken data
        raise InputError("The image cannot be decoded", where=path, got=_without_path(error)) from error


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        image = image.convert("RGBA")  # then dropping the fourth channel leaves the colours untouched
        return np.ascontiguousarray(np.asarray(image)[:, :, :3])
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _without_path(error: Exception) -> str:
    """Pillow repeats the file's name in some messages; the name is said elsewhere."""
    return "no known image format" if isinstance(error, UnidentifiedImageError) else str(error)
