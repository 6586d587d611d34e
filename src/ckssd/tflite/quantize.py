"""Post-training quantisation to 8-bit integers: which images tell the converter the range of every tensor.

Weights become int8 by channel, activations int8; the input takes grey levels as they are (uint8), so nothing
is left to normalise; boxes and scores come out as float32. Half a grey level is lost at the input, because
-1 to 1 has no exact zero point among the levels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ckssd.errors import InputError, UsageError

PRECISION = "CK_QUANTIZE"
FOLDER = "CK_CALIBRATION_IMAGES"
COUNT = "CK_CALIBRATION_COUNT"
DATASET_FOLDER = "CK_ENV_DATASET_IMAGE_DIR"
DEFAULT_COUNT = 100
SUFFIXES = (".jpg", ".jpeg", ".png")


def calibration_from_environment(env: Mapping[str, str], directory: Path) -> tuple[Path, ...]:
    """The images to calibrate with, or none where ``CK_QUANTIZE`` is not set.

    Parameters
    ----------
    env
        ``CK_QUANTIZE`` (``int8``), ``CK_CALIBRATION_IMAGES`` (a folder; default
        ``CK_ENV_DATASET_IMAGE_DIR``) and ``CK_CALIBRATION_COUNT`` (default 100).
    directory
        Where a relative path starts.

    Raises
    ------
    UsageError
        If a value makes no sense, or no folder is named.
    InputError
        If the folder has no images.
    """
    precision = env.get(PRECISION, "").strip()
    if not precision:
        return ()
    if precision.lower() != "int8":
        raise UsageError("unknown precision", where=PRECISION, expected="int8", got=precision)
    folder = env.get(FOLDER, "").strip() or env.get(DATASET_FOLDER, "").strip()
    if not folder:
        raise UsageError(
            f"{FOLDER} is not set", advice="name a folder of images like those that the model will see"
        )
    count = env.get(COUNT, "").strip() or str(DEFAULT_COUNT)
    if not re.fullmatch(r"[1-9]\d{0,8}", count, re.ASCII):
        raise UsageError("bad number", where=COUNT, expected="a whole number of at least 1", got=count)
    return calibration_images(directory / folder, int(count))


def calibration_images(folder: Path, count: int) -> tuple[Path, ...]:
    """At most ``count`` images of a folder, evenly spread over its names in order.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        images = sorted(path.absolute() for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise InputError("the calibration images cannot be read", where=folder, got=error.strerror) from error
    if not images:
        raise InputError("no calibration images", where=folder, expected=f"files {', '.join(SUFFIXES)}")
    count = min(count, len(images))
    return tuple(images[index * len(images) // count] for index in range(count))
