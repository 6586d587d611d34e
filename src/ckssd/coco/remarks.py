"""What looks wrong in annotations though it follows COCO's format: worth a note, as no rule forbids it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ckssd.coco.written import UNKNOWN_SIZE, is_number, of

TOLERANCE = 1.0  # pixels that tools' rounding may put a box beyond its image
PERCENT = 100
FEWEST = 10  # boxes that chance does not put into the same corner


def remarks_on(images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Notes on a checked instances file."""
    listed = Counter(image["file_name"] for image in images)
    if again := sum(count > 1 for count in listed.values()):
        yield f"{of(again, 'file')} listed as several images: each image counts with its own annotations"
    yield from _on_boxes(annotations)
    if annotations and _in_one_pixel(_boxes(annotations)):
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
    elif _are_percentages(annotations, sizes):
        yield "all boxes lie within the first 100x100 pixels of larger images: are they percentages?"


def check_units(images: Sequence[dict[str, Any]], annotations: Sequence[dict[str, Any]]) -> str | None:
    """What the boxes of a checked file are, if they cannot be [x, y, width, height] in pixels.

    Fractions of the image, all within one pixel; or two corners, where all boxes make sense as such and most
    do not as they should be. None: no fault was found, or boxes are too few to tell.
    """
    boxes = _boxes(annotations)
    if len(boxes) < FEWEST:
        return None
    if _in_one_pixel(boxes):
        return "all boxes within one pixel, as fractions would be"
    sizes = {image["id"]: (image["width"], image["height"]) for image in images}
    places = [sizes[annotation["image_id"]] for annotation in annotations]
    beyond = sum(not _is_inside(box, size) for box, size in zip(boxes, places, strict=True))
    corners = all(
        _is_inside((x, y, right - x, bottom - y), size) and right >= x and bottom >= y
        for (x, y, right, bottom), size in zip(boxes, places, strict=True)
    )
    if corners and 2 * beyond > len(boxes):
        return (
            f"{beyond} of {len(boxes)} boxes beyond their image, all within it as [left, top, right, bottom]"
        )
    return None


def _on_boxes(annotations: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What makes detections count as wrong, or objects as missed, whatever the model finds."""
    if empty := sum(min(width, height) == 0 for _, _, width, height in _boxes(annotations)):
        yield f"{of(empty, 'annotation')} with a box without width or height: none can be found"
    kept = Counter(
        (annotation["image_id"], annotation["category_id"], *annotation["bbox"]) for annotation in annotations
    )
    if twice := sum(count - 1 for count in kept.values()):
        yield f"{of(twice, 'annotation')} equal to another of its image (category and box): only one is found"
    if turned := sum(map(_is_turned, annotations)):
        yield f"{of(turned, 'annotation')} with a rotation (CVAT): its box was taken as if it were not turned"


def _is_turned(annotation: dict[str, Any]) -> bool:
    attributes = annotation.get("attributes")
    rotation = attributes.get("rotation") if isinstance(attributes, dict) else None
    return isinstance(rotation, (int, float)) and is_number(rotation) and rotation % 360 != 0


def _in_one_pixel(boxes: Sequence[Sequence[float]]) -> bool:
    return all(max(x + width, y + height) <= 1 for x, y, width, height in boxes)


def _are_percentages(annotations: Sequence[dict[str, Any]], sizes: dict[Any, tuple[int, int]]) -> bool:
    corners = [max(x + w, y + h) for x, y, w, h in _boxes(annotations)]
    smallest = min((min(sizes[each["image_id"]]) for each in annotations), default=0)
    return len(corners) >= FEWEST and max(corners) <= PERCENT and smallest >= 2 * PERCENT


def _boxes(annotations: Sequence[dict[str, Any]]) -> list[list[float]]:
    return [annotation["bbox"] for annotation in annotations]


def _is_inside(box: Sequence[float], size: tuple[int, int]) -> bool:
    x, y, width, height = box
    right, bottom = (one if one != UNKNOWN_SIZE else float("inf") for one in size)
    return min(x, y) >= -TOLERANCE and x + width <= right + TOLERANCE and y + height <= bottom + TOLERANCE
