"""The detections of a whole run: numbers one after another, COCO results only when somebody reads them.

A detection takes 24 bytes here and half a kilobyte as a dict; a run of 5000 images has some 300,000.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

import numpy as np
import numpy.typing as npt

from ckssd.coco.annotations import ImageEntry
from ckssd.detect.detections import Detections, to_coco, to_rows
from ckssd.detect.labels import ClassMap
from ckssd.measure.backends import Backend
from ckssd.measure.selection import Selection
from ckssd.measure.times import Times

ROW_TYPE = "<f8"


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
        classes = np.frombuffer(self._classes, np.int32)
        return int(np.isin(classes, list(self._category_ids)).sum())

    def _each(self, places: Iterable[int] | None = None) -> Iterator[tuple[ImageEntry, Detections]]:
        """Every image with its detections; ``places``: in another order than that of adding."""
        boxes = np.frombuffer(self._boxes, np.float32).reshape(-1, 4)
        classes, scores = np.frombuffer(self._classes, np.int32), np.frombuffer(self._scores, np.float32)
        ends = np.cumsum(self._counts, dtype=np.int64).tolist()
        for place in range(len(ends)) if places is None else places:
            of_it = slice(ends[place] - self._counts[place], ends[place])
            found = Detections(boxes[of_it], classes[of_it].astype(np.int64), scores[of_it])
            yield self._images[place], found

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

    def write_array(self, file: BinaryIO) -> None:
        """Write all of them as a .npy file, float64 [N, 7]; see ckssd.detect.detections.to_rows.

        Image after image, because the array takes twice as much memory as what is kept here.
        """
        header = {"descr": ROW_TYPE, "fortran_order": False, "shape": (len(self), 7)}
        np.lib.format.write_array_header_1_0(file, header)
        for rows in self._rows():
            file.write(rows.astype(ROW_TYPE).tobytes())

    def sha256(self) -> str:
        """Hash of all results: two runs with the same one found the same, bit for bit.

        Of the rows of ``to_rows`` as little-endian float64, image after image in order of id; within an image
        by falling score, then by category, x, y, width and height.
        """
        digest = hashlib.sha256()
        for rows in self._rows(sorted(range(len(self._images)), key=lambda place: self._images[place].id)):
            _, x, y, width, height, score, category = rows.T
            order = np.lexsort((height, width, y, x, category, -score))  # the last key counts first
            digest.update(rows[order].astype(ROW_TYPE).tobytes())
        return digest.hexdigest()

    def _rows(self, places: Iterable[int] | None = None) -> Iterator[npt.NDArray[np.float64]]:
        for image, found in self._each(places):
            yield to_rows(
                found,
                image_id=image.id,
                width=image.width,
                height=image.height,
                category_ids=self._category_ids,
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
