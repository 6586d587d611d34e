"""The detections of a whole run: in a temporary file, COCO results only when somebody reads them.

A run of 5000 images has some 300,000, or half a million where the score threshold is low. In the file they
cost no memory, however many images there are.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

import numpy as np
import numpy.typing as npt

from ckssd.coco.annotations import ImageEntry
from ckssd.detect.backends import Backend
from ckssd.detect.choices import Orientation
from ckssd.detect.detections import Detections, to_coco, to_rows
from ckssd.detect.labels import ClassMap
from ckssd.detect.orientation import swaps_sides
from ckssd.detect.results_file import begin_table, write_row
from ckssd.errors import EnvironmentSetupError
from ckssd.measure.selection import Selection
from ckssd.measure.times import Times

ROW_TYPE = "<f8"
RECORD = np.dtype([("box", "<f4", 4), ("class", "<i4"), ("score", "<f4")])
Records = npt.NDArray[Any]


class DetectedImages:
    """Images in the order they were added, each with its detections.

    Parameters
    ----------
    category_ids
        Class index to category id; other classes are left out of the results.
    names
        Class index to name, for tables.
    others
        How many other settings of NMS come with each image; see Detections.others.
    """

    def __init__(
        self, category_ids: Mapping[int, int], names: Mapping[int, str] | None = None, *, others: int = 0
    ) -> None:
        self.others = [DetectedImages(category_ids, names) for _ in range(others)]
        self._category_ids = dict(category_ids)
        known = {index: name for index, name in (names or {}).items() if index in category_ids}
        self._names = {category_ids[index]: name for index, name in known.items()}
        self._images: list[ImageEntry] = []
        self._ends = [0]  # records up to the end of each image
        self._results = 0
        self._file = tempfile.TemporaryFile(prefix="ckssd-")  # noqa: SIM115 (as long as this object)
        weakref.finalize(self, self._file.close)

    def add(self, image: ImageEntry, found: Detections) -> None:
        """Append an image.

        Raises
        ------
        EnvironmentSetupError
            The disk is full.
        """
        records = np.empty(len(found), RECORD)
        records["box"], records["class"], records["score"] = found.boxes, found.classes, found.scores
        try:
            self._file.write(records.tobytes())
            self._file.flush()  # an error should come now, not while the results are read
        except OSError as error:
            raise EnvironmentSetupError(
                "Detections cannot be written",
                where=tempfile.gettempdir(),
                got=error.strerror,
                advice="make room there, or set TMPDIR to another folder",
            ) from error
        for own, other in zip(self.others, found.others, strict=True):
            own.add(image, other)
        self._images.append(image)
        self._ends.append(self._ends[-1] + len(found))
        self._results += int(np.isin(found.classes, list(self._category_ids)).sum())

    @property
    def image_ids(self) -> list[int]:
        """The images that were run."""
        return [image.id for image in self._images]

    @property
    def images(self) -> tuple[ImageEntry, ...]:
        """The same with their sizes."""
        return tuple(self._images)

    @property
    def lengths(self) -> list[int]:
        """How many detections each image has, with those of classes that are left out of the results."""
        return [end - begin for begin, end in itertools.pairwise(self._ends)]

    def records(self) -> Records:
        """Every detection as it was given, image after image: RECORD [N]."""
        self._file.seek(0)
        return np.frombuffer(self._file.read(), RECORD)

    def add_records(self, images: Sequence[ImageEntry], lengths: Sequence[int], records: Records) -> None:
        """Append images with what ``records`` of another instance gave; raises as ``add`` does."""
        begin = 0
        for image, length in zip(images, lengths, strict=True):
            self.add(image, _as_detections(records[begin : begin + length]))
            begin += length

    def __len__(self) -> int:
        """How many COCO results there are."""
        return self._results

    def _each(self, places: Iterable[int] | None = None) -> Iterator[tuple[ImageEntry, Detections]]:
        """Every image with its detections; ``places``: in another order than that of adding."""
        for place in range(len(self._images)) if places is None else places:
            begin, end = self._ends[place : place + 2]
            self._file.seek(begin * RECORD.itemsize)
            records = np.frombuffer(self._file.read((end - begin) * RECORD.itemsize), RECORD)
            yield self._images[place], _as_detections(records)

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

    def rows(self) -> npt.NDArray[np.float64]:
        """All of them in memory, float64 [N, 7]."""
        return np.concatenate([np.empty((0, 7)), *self._rows()])

    def lowest_scores(self, limit: int) -> list[float]:
        """The lowest score in each image with at least ``limit`` detections."""
        return [float(found.scores.min()) for _, found in self._each() if len(found) >= limit]

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

    def write_table(self, file: TextIO) -> None:
        """Write the same as CSV, see ckssd.detect.results_file."""
        table = begin_table(file)
        for (image, _), results in zip(self._each(), self._by_image(), strict=True):
            for found in results:
                category = found["category_id"]
                ids = (image.file_name, found["image_id"], category, self._names.get(category, ""))
                write_row(table, ids, found["score"], found["bbox"])


def _as_detections(records: Records) -> Detections:
    return Detections(records["box"], records["class"].astype(np.int64), records["score"])


@dataclass(frozen=True)
class Seen:
    """What a person should know about a run's images.

    ``images``: how many were to be run. ``unreadable``: ids of those that could not be read and were left
    out. ``tags``: the orientation tags of those that have one. ``orientation``: as in BenchmarkSettings.
    """

    images: int
    unreadable: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    orientation: Orientation = "stored"

    def notes(self) -> list[str]:
        """The same in words."""
        notes = []
        if self.unreadable:
            count = f"{len(self.unreadable)} of {self.images} images"
            notes.append(f"{count} cannot be read and were left out (CK_SKIP_BAD_IMAGES=yes)")
        if self.tags:
            notes.append(self._note_on_orientation())
        return notes

    def _note_on_orientation(self) -> str:
        swapped = sum(map(swaps_sides, self.tags))
        count = f"{len(self.tags)} of {self.images} images"
        if self.orientation == "upright":
            return f"{count} were turned upright as their EXIF says (CK_IMAGE_ORIENTATION=upright)"
        said = f"were not turned upright as their EXIF says ({swapped} would swap width and height)"
        return f"{count} {said}: COCO's boxes are in stored pixels; for others, CK_IMAGE_ORIENTATION=upright"


@dataclass(frozen=True)
class DetectedSet:
    """A data set's images after detection, before metrics.

    ``labels``: how the class names were read. ``from_cache``: images that need no decoding.
    ``other_notes``: all but those of ``seen``.
    """

    backend: Backend
    labels: str
    class_map: ClassMap
    selection: Selection
    times: Times
    other_notes: tuple[str, ...]
    detections: DetectedImages
    from_cache: int
    seen: Seen

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about this run."""
        return (*self.other_notes, *self.seen.notes())
