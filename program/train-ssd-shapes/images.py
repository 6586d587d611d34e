"""Images at the size of the network's input, 300x300, and COCO annotations at the same scale.

Stands alone and speaks Python 3.7: it runs in the environment of TensorFlow 1.15.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 300


def read_annotations(dataset):
    """Return the COCO dictionary of a data set folder."""
    path = Path(dataset, "annotations", "instances_val.json")
    return json.loads(path.read_text(encoding="utf-8"))


def load_image(path, antialias=True):
    """Decode an image and resize it to uint8 [300, 300, 3], red green blue.

    ``antialias`` false samples the nearest four pixels only, as TensorFlow's and the seed's resize do.
    """
    with Image.open(path) as image:
        image = image.convert("RGB")
        if antialias:
            image = image.resize((SIDE, SIDE), Image.BILINEAR)
        else:
            scale = (image.width / SIDE, 0, 0, 0, image.height / SIDE, 0)
            image = image.transform((SIDE, SIDE), Image.AFFINE, scale, Image.BILINEAR)
        return np.asarray(image)


def boxes_and_classes(entry, annotations):
    """Return float32 [n, 4] boxes (ymin, xmin, ymax, xmax in 0..1) and int32 [n] classes from 0."""
    boxes, classes = [], []
    for annotation in annotations:
        x, y, width, height = annotation["bbox"]
        boxes.append(
            (
                y / entry["height"],
                x / entry["width"],
                (y + height) / entry["height"],
                (x + width) / entry["width"],
            )
        )
        classes.append(annotation["category_id"] - 1)
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32)


def by_image(coco):
    """Group the annotations by image id."""
    groups = {entry["id"]: [] for entry in coco["images"]}
    for annotation in coco["annotations"]:
        groups[annotation["image_id"]].append(annotation)
    return groups
