"""Ways from a JPEG's bytes to a network's pixels: ``readers.py IMAGES COUNT SIDE`` prints mean seconds.

And whether they are exact: every pixel is the one that Pillow gives by decoding and by its bilinear resize.
"""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import Image

SIDE = int(sys.argv[3])
EXACT = {"fastdct": False, "fastupsample": False, "strict": True}


def resized(image: Image.Image) -> np.ndarray:
    """By Pillow."""
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def by_pillow(data: bytes) -> np.ndarray:
    """Pillow alone."""
    return resized(Image.open(io.BytesIO(data)).convert("RGB"))


def ours(data: bytes) -> np.ndarray:
    """What ckssd.detect does."""
    return resized(Image.fromarray(simplejpeg.decode_jpeg(data, "RGB", **EXACT)))


def without_copy(data: bytes) -> np.ndarray:
    """Four bytes a pixel, as Pillow has them: it need not copy."""
    pixels = simplejpeg.decode_jpeg(data, "RGBX", **EXACT)
    size = (pixels.shape[1], pixels.shape[0])
    return np.ascontiguousarray(resized(Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1))[..., :3])


def by_opencv(data: bytes) -> np.ndarray:
    """CK_RESIZE=opencv."""
    pixels = simplejpeg.decode_jpeg(data, "RGB", **EXACT)
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def scaled(data: bytes) -> np.ndarray:
    """CK_DECODE=scaled."""
    pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=SIDE, min_height=SIDE, **EXACT)
    return resized(Image.fromarray(pixels))


cv2.setNumThreads(1)
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.jpg"))[: int(sys.argv[2])]]
ways = {
    "pillow": by_pillow,
    "simplejpeg and pillow": ours,
    "simplejpeg in four bytes and pillow": without_copy,
    "simplejpeg and opencv": by_opencv,
    "simplejpeg scaled and pillow": scaled,
}
seconds = {}
for name, read in ways.items():
    began = time.perf_counter()
    for file in files:
        read(file)
    seconds[name] = (time.perf_counter() - began) / len(files)
exact = {
    name: all(np.array_equal(read(file), by_pillow(file)) for file in files) for name, read in ways.items()
}
print(json.dumps({"seconds": seconds, "exact": exact}))
