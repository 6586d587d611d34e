"""Training batches: random crops, flips, transposition and channel order.

A batch depends on the seed and the number of the step alone, so a stopped run goes on as it would have.
Contrast and brightness are changed in the graph (train.py), where it costs less.
"""

import queue
import threading

import numpy as np
from PIL import Image

from images import SIDE

CROP_CHANCE = 0.35
CROP_TRIES = 8
# A crop must leave each object either (nearly) gone or recognisable: by the share of its box that stays.
GONE_BELOW, KEPT_ABOVE = 0.1, 0.6


class Batches:
    """Batches of a cache, by step number; an epoch sees every image once.

    Parameters
    ----------
    cache
        The arrays of cache.py.
    size
        Images per batch.
    seed
        Seed of the order and of the augmentation.
    """

    def __init__(self, cache, size, seed):
        self._images, self._boxes = cache["images"], cache["boxes"]
        self._classes, self._counts = cache["classes"], cache["counts"]
        self._size, self._seed = size, seed
        self._orders = {}

    def batch(self, step):
        """Return images uint8 [b, 300, 300, 3], boxes [b, m, 4], classes [b, m], counts [b]."""
        random = np.random.RandomState([self._seed, 1, step])
        images = np.empty((self._size, SIDE, SIDE, 3), np.uint8)
        boxes = np.zeros((self._size, *self._boxes.shape[1:]), np.float32)
        classes = np.zeros((self._size, self._classes.shape[1]), np.int32)
        counts = np.zeros(self._size, np.int32)
        for k in range(self._size):
            index = self._index(step * self._size + k)
            count = self._counts[index]
            image, its_boxes, its_classes = augment(
                random, self._images[index], self._boxes[index, :count], self._classes[index, :count]
            )
            channels = random.permutation(3)
            for channel in range(3):
                images[k, :, :, channel] = image[:, :, channels[channel]]
            counts[k] = len(its_boxes)
            boxes[k, : counts[k]] = its_boxes
            classes[k, : counts[k]] = its_classes
        return images, boxes, classes, counts

    def _index(self, position):
        epoch, place = divmod(position, len(self._images))
        if epoch not in self._orders:
            order = np.random.RandomState([self._seed, 0, epoch]).permutation(len(self._images))
            self._orders = {epoch - 1: self._orders.get(epoch - 1), epoch: order}
        return self._orders[epoch][place]


def augment(random, image, boxes, classes):
    """Crop, flip and transpose one image with its boxes (ymin, xmin, ymax, xmax in 0..1)."""
    if random.rand() < CROP_CHANCE:
        image, boxes, classes = random_crop(random, image, boxes, classes)
    if random.rand() < 0.5:
        image = image[:, ::-1]
        boxes = np.stack([boxes[:, 0], 1 - boxes[:, 3], boxes[:, 2], 1 - boxes[:, 1]], axis=1)
    if random.rand() < 0.5:
        image = image[::-1]
        boxes = np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], axis=1)
    if random.rand() < 0.5:
        image = image.transpose(1, 0, 2)
        boxes = boxes[:, [1, 0, 3, 2]]
    return image, boxes, classes


def random_crop(random, image, boxes, classes):
    """Take a random part and enlarge it; give up after some tries that cut objects badly."""
    for _ in range(CROP_TRIES):
        height, width = random.uniform(0.55, 1.0, 2)
        top, left = random.uniform(0.0, 1.0 - height), random.uniform(0.0, 1.0 - width)
        rows = int(top * SIDE), int((top + height) * SIDE)
        columns = int(left * SIDE), int((left + width) * SIDE)
        window = np.array([rows[0], columns[0], rows[1], columns[1]], np.float32) / SIDE
        low, high = np.maximum(boxes[:, :2], window[:2]), np.minimum(boxes[:, 2:], window[2:])
        cut = np.concatenate([low, high], axis=1)
        sides = np.maximum(cut[:, 2:] - cut[:, :2], 0.0)
        share = sides.prod(axis=1) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        kept = share >= KEPT_ABOVE
        if not kept.any() or ((share > GONE_BELOW) & ~kept).any():
            continue
        scale = np.tile(window[2:] - window[:2], 2)
        part = Image.fromarray(image[rows[0] : rows[1], columns[0] : columns[1]])
        image = np.asarray(part.resize((SIDE, SIDE), Image.BILINEAR))
        return image, (cut[kept] - np.tile(window[:2], 2)) / scale, classes[kept]
    return image, boxes, classes


def prefetch(batches, first, last, depth=4):
    """Yield (step, batch) for the steps first..last-1, made by another thread."""
    ready = queue.Queue(depth)

    def produce():
        try:
            for step in range(first, last):
                ready.put((step, batches.batch(step)))
        except Exception as error:  # noqa: BLE001  handed to the consumer, which raises it
            ready.put((None, error))

    threading.Thread(target=produce, daemon=True).start()
    for _ in range(first, last):
        step, batch = ready.get()
        if step is None:
            raise batch
        yield step, batch
