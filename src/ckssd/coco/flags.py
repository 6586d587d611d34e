"""The flags of an instances file as arrays; `ckssd.coco.flag_names` says where they stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.flag_names import LABELS_OF_IMAGES, PRESENT

Integers = npt.NDArray[np.int64]
_Entries = Sequence[dict[str, Any]]


def flags(annotations: _Entries, names: Sequence[str]) -> Integers:
    """1 for each annotation that has one of these flags, else 0."""
    return np.array([any(_is_set(entry, name) for name in names) for entry in annotations], np.int64)


def _is_set(annotation: dict[str, Any], name: str) -> bool:
    attributes = annotation.get("attributes")
    inside = attributes.get(name) if isinstance(attributes, dict) else None
    return annotation.get(name) == 1 or (isinstance(inside, (bool, int, float)) and inside == 1)


def verified_labels(images: _Entries, categories: _Entries) -> Integers:
    """Image-level labels [V, 3]: image id, category id, 1 for present or 0 for absent."""
    known = {category["id"] for category in categories}
    rows = [
        (image["id"], category, int(key == PRESENT))
        for image in images
        for key in LABELS_OF_IMAGES
        for category in image.get(key) or ()
        if category in known
    ]
    return np.array(rows, np.int64).reshape(-1, 3)
