"""What COCO's format has no word for, but Pascal VOC and Open Images need: where it is in an instances file.

All of it is optional, and COCO's own metrics know none of it:

``annotations[].difficult``
    VOC's mark of an object that is hard to recognise: 1 or 0. ``ignore``, as other tools write it, is the
    same; so is ``difficult`` in CVAT's and Datumaro's ``attributes``.
``annotations[].is_group_of``
    Open Images' mark of a box around several objects: 1 or 0, here or in ``attributes``. ``iscrowd`` says the
    same to COCO's metrics, and to Open Images' as well.
``images[].pos_category_ids``, ``images[].neg_category_ids``
    Image-level labels: categories that people have verified to be in an image, and not to be there. LVIS
    has the second.
``categories[].freebase_id``
    Open Images' label (``LabelName``, such as ``/m/01g317``), where ``name`` is the one for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

DIFFICULT, GROUP_OF = ("difficult", "ignore"), ("is_group_of",)
FLAGS = (*DIFFICULT, *GROUP_OF)
PRESENT, ABSENT = "pos_category_ids", "neg_category_ids"
LABELS_OF_IMAGES = (PRESENT, ABSENT)
OPEN_IMAGES_LABEL = "freebase_id"

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
