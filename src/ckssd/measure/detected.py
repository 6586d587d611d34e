"""The detections of a whole run: numbers one after another, COCO results only when somebody reads them.

A detection takes 24 bytes here and half a kilobyte as a dict; a run of 5000 images has some 300,000.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from ckssd.coco.annotations import ImageEntry
from ckssd.detect.detections import Detections, to_coco, to_rows
from ckssd.detect.labels import ClassMap
from ckssd.measure.backends import Backend
from ckssd.measure.selection import Selection
from ckssd.measure.times import Times


class DetectedImages:
    """Images in the order they were added, each with its detections.

    Parameters
    ----------
    category_ids
        Class index to category id; other classes are left out of the results.
    """

    def __init__(self, category_ids: Mapping[int, int]) -> None:
        self._category_ids = dict(category_ids)
        self._images: list[ImageEntry] = []
        self._counts: list[int] = []
        self._boxes, self._scores = array("f"), array("f")
        self._classes = array("i")

    def add(self, image: ImageEntry, found: Detections) -> None:
        """Append an image."""
        self._images.append(image)
        self._counts.append(len(found))
        self._boxes.frombytes(found.boxes.astype(np.float32).tobytes())
        self._classes.frombytes(found.classes.astype(np.int32).tobytes())
        self._scores.frombytes(found.scores.astype(np.float32).tobytes())

    @property
    def image_ids(self) -> list[int]:
        """The images that were run."""
        return [image.id for image in self._images]

    def __len__(self) -> int:
        """How many COCO results there are."""
        return int(np.isin(self._classes, list(self._category_ids)).sum())

    def _each(self) -> Iterator[tuple[ImageEntry, Detections]]:
        """Every image with its detections."""
        boxes = np.array(self._boxes, np.float32).reshape(-1, 4)
        classes, scores = np.array(self._classes, np.int64), np.array(self._scores, np.float32)
        end = 0
        for image, count in zip(self._images, self._counts, strict=True):
            start, end = end, end + count
            yield image, Detections(boxes[start:end], classes[start:end], scores[start:end])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """COCO results, image after image; see ckssd.detect.detections.to_coco."""
        for results in self._by_image():
            yield from results

    def _by_image(self) -> Iterator[list[dict[str, Any]]]:
        for image, found in self._each():
            yield to_coco(
                found,
                image_id=image.id,
                width=image.width,
                height=image.height,
                category_ids=self._category_ids,
            )

    def as_array(self) -> npt.NDArray[np.float64]:
        """All of them as float64 [N, 7]; see ckssd.detect.detections.to_rows."""
        return np.concatenate([np.empty((0, 7), np.float64), *(rows for _, rows in self._rows())])

    def sha256(self) -> str:
        """Hash of all results: two runs with the same one found the same, bit for bit.

        Of the rows of ``to_rows`` as little-endian float64, image after image in order of id; within an image
        by falling score, then by category, x, y, width and height.
        """
        digest = hashlib.sha256()
        for _, rows in sorted(self._rows(), key=lambda pair: pair[0].id):
            _, x, y, width, height, score, category = rows.T
            order = np.lexsort((height, width, y, x, category, -score))  # the last key counts first
            digest.update(rows[order].astype("<f8").tobytes())
        return digest.hexdigest()

    def _rows(self) -> Iterator[tuple[ImageEntry, npt.NDArray[np.float64]]]:
        for image, found in self._each():
            yield (
                image,
                to_rows(
                    found,
                    image_id=image.id,
                    width=image.width,
                    height=image.height,
                    category_ids=self._category_ids,
                ),
            )

    def write(self, file: TextIO) -> None:
        """Write a COCO results file, an image in a line."""
        separator = "[\n"
        for results in filter(None, self._by_image()):
            file.write(separator + json.dumps(results)[1:-1])
            separator = ",\n"
        file.write("[]\n" if separator == "[\n" else "\n]\n")


@dataclass(frozen=True)
class DetectedSet:
    """A data set's images after detection, before metrics. ``from_cache``: images that need no decoding."""

    backend: Backend
    class_map: ClassMap
    selection: Selection
    times: Times
    notes: tuple[str, ...]
    detections: DetectedImages
    from_cache: int
