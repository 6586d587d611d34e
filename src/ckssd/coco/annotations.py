"""What a benchmark needs of a data set's annotations: its images, and how many boxes of each category.

Images are kept in the order of their ids: "the first n" means the same everywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ckssd.coco.metric_types import COCO, check_objects
from ckssd.coco.truth import GroundTruth, read_truth
from ckssd.errors import InputError


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An image of the data set: its file's name inside the image folder, and its size in pixels.

    A width or height of 0 is one that the annotations do not say.
    """

    id: int
    file_name: str
    width: int
    height: int


@dataclass(frozen=True)
class Annotations:
    """What a benchmark needs of an instances file.

    ``images`` are sorted by id; ``categories`` is id to name; ``counts`` is category id to number of boxes.
    ``truth``: the same as arrays, with the boxes.
    """

    path: Path
    images: tuple[ImageEntry, ...]
    categories: dict[int, str]
    counts: dict[int, int]
    truth: GroundTruth

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, and what looks wrong."""
        return self.truth.notes

    def check_objects(self, image_ids: Collection[int], metric: str = COCO) -> None:
        """See ckssd.coco.metric_types.check_objects."""
        check_objects(self.truth, self.path, image_ids, metric)


def read_annotations(path: Path) -> Annotations:
    """Read and check a COCO instances file.

    Raises
    ------
    InputError
        If the file is missing, no JSON, or breaks COCO's format; it names the file and the key.
    """
    truth = read_truth(path)
    columns = (truth.image_ids, truth.widths, truth.heights)
    images = [
        ImageEntry(identity, name, width, height)
        for name, identity, width, height in zip(
            truth.file_names, *(column.tolist() for column in columns), strict=True
        )
    ]
    categories = dict(zip(truth.category_ids.tolist(), truth.category_names, strict=True))
    counts = dict.fromkeys(categories, 0)
    found, numbers = np.unique(truth.box_categories, return_counts=True)
    counts.update(zip(found.tolist(), numbers.tolist(), strict=True))
    return Annotations(
        path=path,
        images=tuple(sorted(images, key=lambda image: image.id)),
        categories=dict(sorted(categories.items())),
        counts=counts,
        truth=truth,
    )


def with_size(
    annotations: Annotations, image: ImageEntry, width: int, height: int, advice: str | None = None
) -> ImageEntry:
    """The image with the size that was read: the one that the annotations say, or one they do not say.

    ``advice`` is for the error.

    Raises
    ------
    InputError
        If the annotations say another size.
    """
    if (width, height) == (image.width, image.height):
        return image
    stated = (image.width or width, image.height or height)
    if (width, height) != stated:
        raise InputError(
            "The annotations do not fit the images",
            where=f"{annotations.path}: {image.file_name}",
            expected=f"{stated[0]}x{stated[1]} pixels",
            got=f"{width}x{height}",
            advice=advice,
        )
    return dataclasses.replace(image, width=width, height=height)
