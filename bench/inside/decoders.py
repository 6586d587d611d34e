"""JPEG decoders to choose from: ``decoders.py IMAGES COUNT`` prints mean seconds, and whether they are exact.

Exact: every pixel is the one that Pillow gives, by which published accuracies were measured.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import Image


def by_pillow(path: Path) -> np.ndarray:
    """Pillow."""
    return np.asarray(Image.open(path).convert("RGB"))


def by_opencv(path: Path) -> np.ndarray:
    """OpenCV, without turning by EXIF."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION))


def by_simplejpeg(path: Path) -> np.ndarray:
    """Simplejpeg, with libjpeg-turbo's exact settings."""
    return np.asarray(simplejpeg.decode_jpeg(path.read_bytes(), "RGB", fastdct=False, fastupsample=False))


cv2.setNumThreads(1)
paths = sorted(Path(sys.argv[1]).glob("*.jpg"))[: int(sys.argv[2])]
decoders = {"pillow": by_pillow, "opencv": by_opencv, "simplejpeg": by_simplejpeg}
seconds = {}
for name, decode in decoders.items():
    began = time.perf_counter()
    for path in paths:
        decode(path)
    seconds[name] = (time.perf_counter() - began) / len(paths)
exact = {
    name: all(np.array_equal(decode(path), by_pillow(path)) for path in paths)
    for name, decode in decoders.items()
}
print(json.dumps({"seconds": seconds, "exact": exact}))
