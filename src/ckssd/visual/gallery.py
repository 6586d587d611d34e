"""A picture with what is in it and what was found, drawn as SVG over it; nothing is told by colour alone."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ckssd.coco.errors import RIGHT, UNCOUNTED
from ckssd.visual.pictures import Picture
from ckssd.visual.svg import element

Area = tuple[float, float, float, float]

# Of the longest side.
TEXT, LINE = 0.044, 0.0055
TOLD = {
    "classification": "another class: it is {of}, IoU {iou:.2f}",
    "localisation": "beside {of}, IoU {iou:.2f}",
    "both": "of another class than {of}, and beside it, IoU {iou:.2f}",
    "duplicate": "{of} was found before, IoU {iou:.2f}",
    "background": "nothing is there",
    RIGHT: "right, IoU {iou:.2f}",
    UNCOUNTED: "not counted",
}


def drawing(image: dict[str, Any], picture: Picture) -> Markup:
    """The picture, objects below, detections above; labels only on what is wrong."""
    size = max(picture.width, picture.height)
    parts = [element("rect", width="100%", height="100%", **{"class": "ground"})]
    if picture.address:
        place = {"href": picture.address, "width": str(picture.width), "height": str(picture.height)}
        parts.append(element("image", **place))
    wrong = [one for one in image["detections"] if one["kind"] not in (RIGHT, UNCOUNTED)]
    lost = [one for one in image["objects"] if one["missed"]]
    for one in image["objects"]:
        parts.append(_box(one["box"], "object crowd" if one["crowd"] else "object", size))
    for one in reversed(image["detections"]):
        parts.append(_box(one["box"], "right" if one["kind"] == RIGHT else "wrong", size))
    parts += [_box(one["box"], "lost", size) for one in lost]
    labels = [(one["box"], f"{one['class']} {one['score']:.2f}", "wrong") for one in wrong]
    labels += [(one["box"], f"missed: {one['class']}", "lost") for one in lost]
    taken: list[Area] = []
    for box, text, style in labels:
        area = _place(box, text, picture, taken)
        taken.append(area)
        parts.append(_label(area, text, style))
    counts = f"{len(image['objects'])} objects, {len(lost)} missed; {len(wrong)} wrong detections"
    view = f"0 0 {picture.width} {picture.height}"
    return element(
        "svg",
        Markup("").join(parts),
        viewBox=view,
        role="img",
        **{"aria-label": f"{image['file_name']}: {counts}"},
    )


def told(detection: dict[str, Any]) -> str:
    """Why a detection is what it is, in words."""
    return TOLD[detection["kind"]].format(of=detection["of"], iou=detection["iou"])


def classes_of(image: dict[str, Any]) -> list[str]:
    """The classes in an image that something is wrong with."""
    names = {one["class"] for one in image["objects"] if one["missed"]}
    for one in image["detections"]:
        if one["kind"] not in (RIGHT, UNCOUNTED):
            names |= {one["class"], *([one["of"]] if one["of"] else [])}
    return sorted(names)


def kinds_of(image: dict[str, Any]) -> str:
    """The kinds of error in an image, for people."""
    return ", ".join(image["kinds"]) or "nothing wrong at this threshold"


def _box(box: list[float], style: str, size: int) -> Markup:
    x, y, width, height = box

    def drawn(style: str, line: float) -> Markup:
        given = {"class": style, "stroke-width": f"{line:.1f}"}
        return element("rect", x=x, y=y, width=max(width, 0.5), height=max(height, 0.5), **given)

    # Twice: the dark one below makes a rim that neither light nor dark pictures swallow.
    return drawn("rim", size * LINE * 2) + drawn(style, size * LINE)


def _place(box: list[float], text: str, picture: Picture, taken: list[Area]) -> Area:
    """Above the box, inside at its top, below it, inside at its bottom: the first in the picture and free."""
    height = max(picture.width, picture.height) * TEXT * 1.25
    width = height * 0.5 * len(text)
    x = min(max(box[0], 0.0), max(picture.width - width, 0.0))
    tops = [box[1] - height, box[1], box[1] + box[3], box[1] + box[3] - height]
    tops += [box[1] + step * height for step in range(1, 5)]
    inside = [top for top in tops if 0 <= top <= picture.height - height] or [0.0]
    areas = [(x, top, x + width, top + height) for top in inside]
    return next((one for one in areas if not any(_overlap(one, other) for other in taken)), areas[0])


def _overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _label(area: Area, text: str, style: str) -> Markup:
    letter = (area[3] - area[1]) / 1.25
    given = {"class": f"tag {style}", "font-size": f"{letter:.1f}", "stroke-width": f"{letter * 0.22:.1f}"}
    return element("text", text, x=area[0], y=area[3] - letter * 0.3, **given)
