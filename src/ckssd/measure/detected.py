"""The detections of a whole run: arrays for each image, COCO results only when somebody reads them.

A detection takes 28 bytes here and half a kilobyte as a dict; a run of 5000 images has some 300,000.
"""

from __future__ import annotations

import json
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
        self._images: list[tuple[ImageEntry, Detections]] = []

    def add(self, image: ImageEntry, found: Detections) -> None:
        """Append an image."""
        self._images.append((image, found))

    @property
    def image_ids(self) -> list[int]:
        """The images that were run."""
        return [image.id for image, _ in self._images]

    def __len__(self) -> int:
        """How many COCO results there are."""
        evaluated = list(self._category_ids)
        return sum(int(np.isin(found.classes, evaluated).sum()) for _, found in self._images)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """COCO results, image after image; see ckssd.detect.detections.to_coco."""
        for results in self._by_image():
            yield from results

    def _by_image(self) -> Iterator[list[dict[str, Any]]]:
        for image, found in self._images:
            yield to_coco(
                found,
                image_id=image.id,
                width=image.width,
                height=image.height,
                category_ids=self._category_ids,
            )

    def as_array(self) -> npt.NDArray[np.float64]:
        """All of them as float64 [N, 7]; see ckssd.detect.detections.to_rows."""
        rows = [
            to_rows(
                found,
                image_id=image.id,
                width=image.width,
                height=image.height,
                category_ids=self._category_ids,
            )
            for image, found in self._images
        ]
        return np.concatenate([np.empty((0, 7), np.float64), *rows])

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
