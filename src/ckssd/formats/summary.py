"""What is in a data set, and what is odd about it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ckssd.coco.remarks import TOLERANCE
from ckssd.errors import CkssdError, short
from ckssd.formats.content import FLAGS, Box, Content, Picture
from ckssd.formats.pictures import seen
from ckssd.processors import usable_processors
from ckssd.report import progress

SMALL, LARGE = 32**2, 96**2  # square pixels, COCO's limits
BATCH = 256
SHOWN, SHOWN_CLASSES = 5, 40

MISSING = "pictures that are missing"
UNREADABLE = "pictures that cannot be read"
OTHER_SIZE = "pictures of another size than the annotations say"
BEYOND = "boxes that reach beyond their picture by more than a pixel"
OUTSIDE = "boxes that lie wholly outside their picture"
NO_AREA = "boxes of no area"
TWICE = "boxes that are there twice"
SAME_FILE = "pictures that are listed twice"
ALIKE = "classes whose names differ only in case or spaces"
UNUSED = "classes without boxes"


@dataclass
class Summary:
    """What :func:`summarise` found; ``odd``: kind to where each case is."""

    content: Content
    per_class: dict[str, tuple[int, int]]
    odd: dict[str, list[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        pictures, boxes = self.content.pictures, list(self.content.boxes())
        return {
            "split": self.content.split,
            "images": len(pictures),
            "images_without_boxes": sum(not picture.boxes for picture in pictures),
            "boxes": len(boxes),
            "boxes_per_image": _range([len(picture.boxes) for picture in pictures]),
            "flags": {name: count for name, count in _flags(boxes).items() if count},
            "classes": {
                name: {"boxes": count, "images": images} for name, (count, images) in self.per_class.items()
            },
            "image_widths": _range([picture.width for picture in pictures if picture.width]),
            "image_heights": _range([picture.height for picture in pictures if picture.height]),
            "image_sizes": len({(picture.width, picture.height) for picture in pictures if picture.width}),
            "box_sizes": _sizes(boxes),
            "odd": {kind: {"count": len(where), "where": where} for kind, where in self.odd.items()},
            "notes": list(self.content.notes.lines()),
        }

    def describe(self) -> str:
        """Return it as text for people."""
        return "\n".join([*_counts(self.as_dict()), *_classes(self.per_class), *self._odd_lines()])

    def _odd_lines(self) -> Iterator[str]:
        yield "Odd:" if self.odd else "Odd: nothing"
        for kind, where in self.odd.items():
            more = ", …" if len(where) > SHOWN else ""
            yield f"  {kind}: {len(where)} ({', '.join(map(short, where[:SHOWN]))}{more})"
        yield from (f"Note: {note}" for note in self.content.notes.lines())


def summarise(content: Content, fault_of: Callable[[Picture], str], *, quiet: bool = False) -> Summary:
    """Count what is there and look for what is odd.

    Parameters
    ----------
    fault_of
        Reads a picture's file and says why it cannot be read, or "".
    """
    odd: dict[str, list[str]] = {}
    for picture, fault in _read_all(content.pictures, fault_of, quiet=quiet):
        for kind, where in (*_odd_picture(picture, fault), *_odd_boxes(picture)):
            odd.setdefault(kind, []).append(where)
    for kind, where in (*_odd_names(content), *_listed_twice(content.pictures)):
        odd.setdefault(kind, []).append(where)
    boxes = Counter(box.category for box in content.boxes())
    images: Counter[str] = Counter()
    for picture in content.pictures:
        images.update({box.category for box in picture.boxes})
    return Summary(content, {name: (boxes[name], images[name]) for name in content.categories}, odd)


def _read_all(
    pictures: list[Picture], fault_of: Callable[[Picture], str], *, quiet: bool
) -> Iterator[tuple[Picture, str]]:
    """Pictures with their faults, in order; decoding leaves Python free, so one thread a core does it."""

    def all_of_them() -> Iterator[tuple[Picture, str]]:
        with ThreadPoolExecutor(usable_processors()) as threads:
            for start in range(0, len(pictures), BATCH):  # a thread each for all at once would take memory
                batch = pictures[start : start + BATCH]
                yield from zip(batch, threads.map(fault_of, batch), strict=True)

    yield from progress(all_of_them(), total=len(pictures), name="Reading pictures", quiet=quiet)


def header_fault(picture: Picture) -> str:
    """Why the header of a picture cannot be read, or ""."""
    return seen(picture).fault if picture.file else ""


def whole_fault(picture: Picture, decode: Callable[[Any], object]) -> str:
    """Why a picture cannot be decoded, or ""; ``decode`` takes its path."""
    fault = header_fault(picture)
    if fault or picture.file is None:
        return fault
    try:
        decode(picture.file)
    except CkssdError as error:
        return error.got or error.what
    return ""


def _odd_picture(picture: Picture, fault: str) -> Iterator[tuple[str, str]]:
    if picture.file is None:
        yield MISSING, picture.name
        return
    if fault:
        yield UNREADABLE, f"{picture.name}: {fault}"
    header = seen(picture)
    if header.fault:
        return
    stated = (picture.width or header.width, picture.height or header.height)
    if stated not in ((header.width, header.height), header.upright):
        yield OTHER_SIZE, f"{picture.name}: {stated[0]}x{stated[1]}, not {header.width}x{header.height}"
    picture.width, picture.height = stated


def _odd_boxes(picture: Picture) -> Iterator[tuple[str, str]]:
    known: set[tuple[object, ...]] = set()
    for index, box in enumerate(picture.boxes, 1):
        where = f"{picture.name} box {index} {box.category}"
        key = (box.category, box.x, box.y, box.width, box.height)
        if key in known:
            yield TWICE, where
        known.add(key)
        if not box.width or not box.height:
            yield NO_AREA, where
        if picture.width and picture.height:
            yield from _odd_place(picture, box, where)


def _odd_place(picture: Picture, box: Box, where: str) -> Iterator[tuple[str, str]]:
    right, bottom = box.x + box.width, box.y + box.height
    if right <= 0 or bottom <= 0 or box.x >= picture.width or box.y >= picture.height:
        yield OUTSIDE, where
    elif min(box.x, box.y) < -TOLERANCE or max(right - picture.width, bottom - picture.height) > TOLERANCE:
        yield BEYOND, where


def _odd_names(content: Content) -> Iterator[tuple[str, str]]:
    plain: dict[str, str] = {}
    for name in content.categories:
        first = plain.setdefault("".join(name.casefold().split()), name)
        if first != name:
            yield ALIKE, f"{first} and {name}"
    used = {box.category for box in content.boxes()}
    yield from ((UNUSED, name) for name in content.categories if name not in used)


def _listed_twice(pictures: Iterable[Picture]) -> Iterator[tuple[str, str]]:
    for file, count in Counter(picture.file for picture in pictures if picture.file).items():
        if count > 1:
            yield SAME_FILE, file.name


def _range(numbers: list[int]) -> dict[str, float] | None:
    if not numbers:
        return None
    return {"min": min(numbers), "median": statistics.median(numbers), "max": max(numbers)}


def _sizes(boxes: list[Box]) -> dict[str, int]:
    areas = [box.width * box.height for box in boxes]
    small, large = sum(area < SMALL for area in areas), sum(area > LARGE for area in areas)
    return {"small": small, "medium": len(areas) - small - large, "large": large}


def _flags(boxes: list[Box]) -> dict[str, int]:
    counts = Counter(box.flags for box in boxes)
    return {name: sum(count for flags, count in counts.items() if flags & bit) for name, bit in FLAGS.items()}


def _counts(data: dict[str, Any]) -> Iterator[str]:
    of_split = f" of split {data['split']}" if data["split"] else ""
    yield f"Images: {data['images']}{of_split}, {data['images_without_boxes']} without boxes"
    widths, heights = data["image_widths"], data["image_heights"]
    if widths and heights:
        spans = [f"{span['min']} to {span['max']} (median {span['median']:g})" for span in (widths, heights)]
        yield f"Sizes:  {data['image_sizes']} different, {spans[0]} wide, {spans[1]} high"
    flags = "".join(f", {count} {name}" for name, count in data["flags"].items())
    span = data["boxes_per_image"]
    per_image = f", {span['min']} to {span['max']} an image (median {span['median']:g})" if span else ""
    yield f"Boxes:  {data['boxes']}{per_image}{flags}"
    sizes = data["box_sizes"]
    yield (
        f"        {sizes['small']} small (below 32x32), {sizes['medium']} medium,"
        f" {sizes['large']} large (above 96x96)"
    )


def _classes(per_class: dict[str, tuple[int, int]]) -> Iterator[str]:
    shown = sorted(per_class.items(), key=lambda one: -one[1][0])[:SHOWN_CLASSES]
    if len(shown) == len(per_class):
        shown = list(per_class.items())
    width = max([5, *(len(short(name)) for name, _ in shown)])
    yield f"{'class':<{width}}  {'boxes':>8}  {'images':>8}"
    for name, (boxes, images) in shown:
        yield f"{short(name):<{width}}  {boxes:>8}  {images:>8}"
    if len(shown) < len(per_class):
        yield f"and {len(per_class) - len(shown)} more classes with fewer (--json has all)"
