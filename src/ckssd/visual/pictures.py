"""The pictures of a report: shrunk and turned to text, so that the page needs no other file.

All of them together stay below the budget that keeps a page under 5 MB.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ckssd.coco.pictures import picture
from ckssd.detect.images import decode_image, read_file
from ckssd.detect.orientation import NO_TURN, tag_in
from ckssd.errors import InputError

MOST_PICTURES = 60
LONGEST_SIDE = 480
MOST_BYTES = 45_000  # of one; 60 of them are 3.6 MB as text
QUALITIES = (78, 62, 45, 30, 15)


@dataclass(frozen=True)
class Picture:
    """One picture; ``address``: a data address, empty where there is none and ``reason`` says why.

    ``width``, ``height``: of the original, in whose pixels boxes are.
    """

    address: str
    width: int
    height: int
    reason: str = ""


def embed(
    images: list[dict[str, Any]], folder: Path | None, why_not: str, *, upright: bool
) -> dict[int, Picture]:
    """Image id to picture, for images of a report's data.

    Parameters
    ----------
    folder, why_not
        Where the pictures are, or why nobody knows.
    upright
        Whether the boxes are of pictures that were turned as their EXIF says.
    """
    return {
        image["id"]: _absent(image, why_not) if folder is None else _embedded(image, folder, upright=upright)
        for image in images
    }


def _embedded(image: dict[str, Any], folder: Path, *, upright: bool) -> Picture:
    name = picture(folder, image["file_name"])
    if name is None:
        return _absent(image, "the picture is not there")
    try:
        data = read_file(folder / name)
        pixels = decode_image(data, folder / name, tag_in(data) if upright else NO_TURN)
    except InputError as error:
        return _absent(image, f"{error.what[:1].lower()}{error.what[1:]}")
    whole = Image.fromarray(pixels)
    width, height = whole.size
    if image["width"] and (width, height) != (image["width"], image["height"]):
        return _absent(image, f"the picture there has {width}x{height} pixels")
    whole.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return Picture(f"data:image/webp;base64,{base64.b64encode(_small(whole)).decode('ascii')}", width, height)


def _small(image: Image.Image) -> bytes:
    """The best quality that fits; a picture of noise gets the lowest."""
    data = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=2)
        data = file.getvalue()
        if len(data) <= MOST_BYTES:
            break
    return data


def _absent(image: dict[str, Any], reason: str) -> Picture:
    """A place of the right size; where not even that is known, one that holds all boxes."""
    boxes = [one["box"] for one in (*image["objects"], *image["detections"])]
    width = image["width"] or round(max((x + w for x, _, w, _ in boxes), default=1))
    height = image["height"] or round(max((y + h for _, y, _, h in boxes), default=1))
    return Picture("", max(width, 1), max(height, 1), reason)
