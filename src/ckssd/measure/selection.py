"""Which images of a data set a run takes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ckssd.coco.annotations import Annotations, ImageEntry
from ckssd.errors import UsageError
from ckssd.measure.shards import WHOLE, Shard


@dataclass(frozen=True)
class Selection:
    """The images of a run, in order of id, and what had to be changed about the wish.

    ``available``: images of the data set. ``shard``: which part of the run's images these are, and ``whole``:
    how many the run has.
    """

    images: tuple[ImageEntry, ...]
    available: int
    notes: tuple[str, ...]
    whole: int
    shard: Shard = WHOLE

    def only(self, shard: Shard) -> Selection:
        """The images of a part; raises a UsageError if there are more parts than images."""
        begin, end = shard.bounds(self.whole)
        return dataclasses.replace(self, images=self.images[begin:end], shard=shard)


def select_images(annotations: Annotations, skip: int, count: int | None) -> Selection:
    """Leave out the first ``skip`` images, take ``count`` of the others, or all there are with a note.

    Raises
    ------
    UsageError
        If nothing is left.
    """
    available = len(annotations.images)
    if skip >= available:
        raise UsageError(
            "CK_SKIP_IMAGES leaves no image",
            where=annotations.path,
            expected=f"at most {available - 1}",
            got=skip,
        )
    left = available - skip
    notes: tuple[str, ...] = ()
    if count is not None and count > left:
        skipped = f" after skipping {skip}" if skip else ""
        notes = (f"CK_BATCH_COUNT lowered from {count} to {left}: the data set has no more images{skipped}",)
    images = annotations.images[skip:][:count]
    return Selection(images, available, notes, len(images))
