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

DIFFICULT, GROUP_OF = ("difficult", "ignore"), ("is_group_of",)
FLAGS = (*DIFFICULT, *GROUP_OF)
PRESENT, ABSENT = "pos_category_ids", "neg_category_ids"
LABELS_OF_IMAGES = (PRESENT, ABSENT)
OPEN_IMAGES_LABEL = "freebase_id"
