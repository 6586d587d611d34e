"""What looks wrong in annotations though it follows COCO's format: worth a note, as no rule forbids it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ckssd.coco.written import UNKNOWN_SIZE, of

TOLERANCE = 1.0  # pixels that tools' rounding may put a box beyond its image


def remarks_on(images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Notes on a checked instances file."""
    listed = Counter(image["file_name"] for image in images)
    if again := sum(count > 1 for count in listed.values()):
        yield f"{of(again, 'file')} listed as several images: each image counts with its own annotations"
    if annotations and all(max(x + w, y + h) <= 1 for x, y, w, h in _boxes(annotations)):
        yield "all boxes lie within one pixel: COCO's are [x, y, width, height] in pixels, not fractions"
        return
    sizes = {image["id"]: (image["width"], image["height"]) for image in images}
    beyond = sum(
        not _is_inside(box, sizes[annotation["image_id"]])
        for annotation, box in zip(annotations, _boxes(annotations), strict=True)
    )
    if beyond:
        yield (
            f"{beyond} of {len(annotations)} boxes reach beyond their image by more than a pixel:"
            " COCO's are [x, y, width, height] in pixels"
        )


def _boxes(annotations: Sequence[dict[str, Any]]) -> list[list[float]]:
    return [annotation["bbox"] for annotation in annotations]


def _is_inside(box: Sequence[float], size: tuple[int, int]) -> bool:
    x, y, width, height = box
    right, bottom = (one if one != UNKNOWN_SIZE else float("inf") for one in size)
    return min(x, y) >= -TOLERANCE and x + width <= right + TOLERANCE and y + height <= bottom + TOLERANCE
