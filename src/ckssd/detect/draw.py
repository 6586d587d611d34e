"""Detections drawn into an image: a box, the class's name and the score, legible on any background.

One colour for each class, spread around the colour circle; boxes have a dark rim and labels a filled ground:
neither light nor dark pictures swallow them. Pillow's built-in typeface is used: no font files.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping

from PIL import Image, ImageDraw, ImageFont

from ckssd.detect.detections import Detections
from ckssd.detect.pixels import Pixels

GOLDEN_ANGLE = 0.381966  # of a turn: neighbouring classes get colours far apart
RIM = (16, 16, 16)

Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]


def draw(pixels: Pixels, found: Detections, names: Mapping[int, str]) -> Image.Image:
    """Draw detections into a copy of an image.

    Parameters
    ----------
    pixels
        uint8 [height, width, 3], RGB.
    found
        Boxes as fractions of the image.
    names
        Class index to name.
    """
    image = Image.fromarray(pixels).convert("RGB")
    canvas = ImageDraw.Draw(image)
    size = max(11, round(min(image.size) / 26))
    font = ImageFont.load_default(size)
    stroke = max(2, round(min(image.size) / 160))
    # Worst first, so that the best detection lies on top; labels after all boxes: no line crosses one.
    order = list(reversed(range(len(found))))
    boxes = {index: _in_pixels(found, index, image.size) for index in order}
    for index in order:
        _draw_box(canvas, boxes[index], class_colour(int(found.classes[index])), stroke)
    taken: list[Box] = []
    for index in reversed(order):
        name = names.get(int(found.classes[index]), f"class {int(found.classes[index])}")
        text = f"{name} {found.scores[index]:.2f}"
        place = _label_place(canvas, text, font, boxes[index], image.size, taken)
        taken.append(place)
        _draw_label(canvas, text, font, place, class_colour(int(found.classes[index])))
    return image


def class_colour(index: int) -> Colour:
    """A light, clear colour for a class: the golden angle apart from the class before."""
    lightness = (0.56, 0.66, 0.48)[index // 8 % 3]
    red, green, blue = colorsys.hls_to_rgb((0.02 + index * GOLDEN_ANGLE) % 1.0, lightness, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)


def _in_pixels(found: Detections, index: int, size: tuple[int, int]) -> Box:
    top, left, bottom, right = (float(value) for value in found.boxes[index])
    width, height = size[0] - 1, size[1] - 1
    left, right = sorted((left * width, right * width))
    top, bottom = sorted((top * height, bottom * height))
    return left, top, right, bottom


def _draw_box(canvas: ImageDraw.ImageDraw, box: Box, colour: Colour, stroke: int) -> None:
    left, top, right, bottom = box
    canvas.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=RIM, width=stroke + 2)
    canvas.rectangle(box, outline=colour, width=stroke)


def _label_place(
    canvas: ImageDraw.ImageDraw,
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    box: Box,
    size: tuple[int, int],
    taken: Iterable[Box],
) -> Box:
    """Above the box, inside at its top, below it, inside at its bottom: the first in the image and free."""
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    width, height = right - left + 8, bottom - top + 7
    x = min(max(box[0], 0), max(size[0] - width, 0))
    candidates = [box[1] - height, box[1], box[3], box[3] - height]
    candidates += [box[1] + step * height for step in range(1, 6)]
    inside = [y for y in candidates if 0 <= y <= size[1] - height] or [0.0]
    places = [(x, y, x + width, y + height) for y in inside]
    free = (place for place in places if not any(_overlap(place, other) for other in taken))
    return next(free, places[0])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _draw_label(
    canvas: ImageDraw.ImageDraw,
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    place: Box,
    colour: Colour,
) -> None:
    canvas.rectangle(place, fill=colour, outline=RIM)
    offset = canvas.textbbox((0, 0), text, font=font)
    position = (place[0] + 4 - offset[0], place[1] + 3 - offset[1])
    canvas.text(position, text, fill=_ink(colour), font=font)


def _ink(colour: Colour) -> Colour:
    """Black or white, whichever stands out more (ITU-R BT.601 luma)."""
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return (0, 0, 0) if luma > 110 else (255, 255, 255)
