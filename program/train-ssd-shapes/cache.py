"""Put a training data set into one file: all images at 300x300 with their boxes.

A step of the training then costs no decoding and no resize.
Images with a crowd are left out, as a crowd is neither an object nor background.
Stands alone and speaks Python 3.7.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from images import SIDE, boxes_and_classes, by_image, load_image, read_annotations

MAX_BOXES = 16
# Every third image is resized without anti-aliasing, so that the model knows both kinds of resize.
ALIASED_EVERY = 3


def build_cache(dataset, path, threads):
    """Write images, boxes [n, 16, 4], classes [n, 16] and counts [n] to ``path`` (.npz); return n."""
    coco = read_annotations(dataset)
    groups = by_image(coco)
    entries = [
        entry
        for entry in coco["images"]
        if not any(annotation["iscrowd"] for annotation in groups[entry["id"]])
    ]
    images = np.zeros((len(entries), SIDE, SIDE, 3), np.uint8)
    boxes = np.zeros((len(entries), MAX_BOXES, 4), np.float32)
    classes = np.zeros((len(entries), MAX_BOXES), np.int32)
    counts = np.zeros(len(entries), np.int32)

    def fill(k):
        entry = entries[k]
        name = Path(dataset, "images", entry["file_name"])
        images[k] = load_image(name, antialias=entry["id"] % ALIASED_EVERY != 0)
        its_boxes, its_classes = boxes_and_classes(entry, groups[entry["id"]])
        counts[k] = len(its_boxes)
        boxes[k, : counts[k]] = its_boxes
        classes[k, : counts[k]] = its_classes

    with ThreadPoolExecutor(threads) as pool:
        for done, _ in enumerate(pool.map(fill, range(len(entries))), start=1):
            if done % 1000 == 0:
                print(f"{done} of {len(entries)} images", file=sys.stderr, flush=True)
    part = Path(path + ".part")
    with part.open("wb") as file:
        np.savez(file, images=images, boxes=boxes, classes=classes, counts=counts)
    part.replace(path)
    return len(entries)


def main():
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="folder with images/ and annotations/instances_val.json")
    parser.add_argument("cache", help="file to write (.npz)")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    count = build_cache(arguments.dataset, arguments.cache, arguments.threads)
    print(f"{count} images in {arguments.cache}")


if __name__ == "__main__":
    main()
