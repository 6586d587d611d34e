"""A picture with what is in it and what was found, drawn as SVG over it; nothing is told by colour alone."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ckssd.coco.errors import RIGHT, UNCOUNTED
from ckssd.visual.pictures import Picture
from ckssd.visual.svg import element

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
    for one in lost:
        parts.append(_box(one["box"], "lost", size))
        parts.append(_label(one["box"], f"missed: {one['class']}", "lost", picture))
    for one in reversed(wrong):
        parts.append(_label(one["box"], f"{one['class']} {one['score']:.2f}", "wrong", picture))
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


def _label(box: list[float], text: str, style: str, picture: Picture) -> Markup:
    """Above the box, or below its upper edge where there is no room; kept inside the picture."""
    letter = max(picture.width, picture.height) * TEXT
    x = min(max(box[0], 0.0), max(picture.width - letter * 0.56 * len(text), 0.0))
    y = box[1] - letter * 0.35 if box[1] > letter * 1.4 else box[1] + letter * 1.1
    y = min(max(y, letter), picture.height - letter * 0.3)
    given = {"class": f"tag {style}", "font-size": f"{letter:.1f}", "stroke-width": f"{letter * 0.22:.1f}"}
    return element("text", text, x=x, y=y, **given)
