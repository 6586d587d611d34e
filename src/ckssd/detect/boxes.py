"""Anchors and box encodings: what an SSD predictor puts out, turned into boxes.

Coordinates are fractions of the image. The arithmetic is that of TFLite_Detection_PostProcess: float64 in
between, rounded to float32 for each centre and half side, so that boxes are equal to the kernel's bit by bit.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ckssd.errors import InputError
from ckssd.tflite.options import PostProcessOptions

Boxes = npt.NDArray[np.float32]  # [N, 4]: ymin, xmin, ymax, xmax


def read_anchors(path: Path) -> npt.NDArray[np.float32]:
    """Read a file of anchors: a line ``ycenter xcenter h w`` for each, as the conversion writes it.

    Returns
    -------
    float32 [A, 4]

    Raises
    ------
    InputError
        If the file is missing, or is no list of four finite numbers a line with positive sides; or they are
        not in units of the image, or x is before y.
    """
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        with np.errstate(over="ignore"):  # too big a number becomes infinite, which is refused below
            anchors = np.array(rows, dtype=np.float32)
    except OSError as error:
        raise InputError("The anchors cannot be read", where=path, got=error.strerror) from error
    except ValueError as error:
        raise _no_anchors(path, str(error)) from error
    if anchors.ndim != 2 or anchors.shape[1] != 4:
        raise _no_anchors(path, f"shape {list(anchors.shape)}")
    if not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        raise _no_anchors(path, "a side that is not above 0, or a number that is not finite")
    if not ((anchors[:, :2] >= 0) & (anchors[:, :2] <= 1)).all():
        raise _no_anchors(path, "a centre outside the image: pixels, or corners instead of centres")
    if _goes_down_first(anchors):
        raise _no_anchors(path, "x before y: the second anchor's place is below the first, not beside it")
    return anchors


def _goes_down_first(anchors: npt.NDArray[np.float32]) -> bool:
    """Whether the first step from one place to the next changes only the first number.

    The network's outputs go along the rows of each feature map (NHWC), so x changes first.
    """
    moved = np.flatnonzero((anchors[:, :2] != anchors[0, :2]).any(axis=1))
    if not len(moved):
        return False
    step = anchors[moved[0], :2] - anchors[0, :2]
    return bool(step[0] != 0 and step[1] == 0)


def decode_boxes(
    encodings: npt.NDArray[np.float32], anchors: npt.NDArray[np.float32], options: PostProcessOptions
) -> Boxes:
    """Boxes of encodings [N, 4] (ty, tx, th, tw) on anchors [N, 4] (ycenter, xcenter, h, w).

    The formulas are those of the box coder in Faster R-CNN (arXiv 1506.01497, section 3.1.2), its offsets
    divided by the scales that the options give.
    """
    offsets = encodings / _scales(options.y_scale, options.x_scale, options.h_scale, options.w_scale)
    sides = anchors[:, 2:].astype(np.float64)
    centres = (offsets[:, :2] * sides + anchors[:, :2]).astype(np.float32)
    halves = (0.5 * np.exp(offsets[:, 2:]) * sides).astype(np.float32)
    return np.concatenate([centres - halves, centres + halves], axis=1)


@lru_cache
def _scales(*values: float) -> npt.NDArray[np.float64]:
    return np.array(values, np.float32).astype(np.float64)


def overlaps(first: Boxes, second: Boxes, threshold: float) -> npt.NDArray[np.bool_]:
    """Which boxes of two sets, [N, 4] and [M, 4], have an IoU above ``threshold`` (0 or more): bool [N, M].

    A box without area overlaps with nothing.
    """
    if not len(first):  # as for most images' only window: a dozen NumPy calls for nothing take 20 µs
        return np.empty((0, len(second)), np.bool_)
    here = np.ascontiguousarray(first.T)
    there = here if second is first else np.ascontiguousarray(second.T)
    sides = np.minimum(here[2:, :, np.newaxis], there[2:, np.newaxis])
    sides -= np.maximum(here[:2, :, np.newaxis], there[:2, np.newaxis])
    # One side below 0 makes the shared area negative or 0, two would not.
    shared = np.maximum(sides[0], 0)
    shared *= sides[1]
    union = np.add.outer(_areas(here), _areas(there))
    union -= shared
    # A union of 0 belongs to boxes without area: 0 / 0 is not a number, and that is above no threshold.
    with np.errstate(invalid="ignore"):
        shared /= union
    return np.asarray(shared > np.float32(threshold))


def _areas(corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Areas of ymin, xmin, ymax, xmax along the first axis."""
    height, width = corners[2:] - corners[:2]
    return np.asarray(height * width)


def _no_anchors(path: Path, got: str) -> InputError:
    return InputError(
        "The file is no list of anchors", where=path, expected="lines of `ycenter xcenter h w`", got=got
    )
