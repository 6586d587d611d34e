"""The built-in data set: images of textured shapes, annotated exactly like COCO's instances.

Everything is drawn by this package's own code from a seed, so the data set needs no download and the same
seed and count give the same bytes on every machine (see :mod:`ckssd.coco.shapes.draws` for how).
"""

from __future__ import annotations

from ckssd.coco.shapes.dataset import CATEGORIES, VALIDATION_IMAGES, VALIDATION_SEED, write_shapes_dataset

__all__ = ["CATEGORIES", "VALIDATION_IMAGES", "VALIDATION_SEED", "write_shapes_dataset"]
