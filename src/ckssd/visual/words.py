"""Numbers and settings as a page shows them; a value that is not there is a dash."""

from __future__ import annotations

from typing import Any

NONE = "\N{EN DASH}"


def fixed(value: float | None, decimals: int = 3) -> str:
    """``0.779``; COCO's -1 means that a number is not defined."""
    return NONE if value is None or value == -1 else f"{value:,.{decimals}f}"


def milliseconds(seconds: float | None, decimals: int = 2) -> str:
    """Seconds as milliseconds."""
    return NONE if seconds is None else f"{seconds * 1e3:,.{decimals}f}"


def percent(share: float | None, decimals: int = 0) -> str:
    """``61 %``."""
    return NONE if share is None else f"{share * 100:.{decimals}f} %"


def bytes_text(count: float) -> str:
    """``1.6 MB``."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def value_text(value: Any) -> str:
    """A setting's value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_text(one)}" for key, one in value.items())
    return str(value)


def capital(text: str) -> str:
    """A setting's name as a heading: ``iou_threshold`` is ``IoU threshold``."""
    words = text.replace("_", " ")
    for written, said in (("iou", "IoU"), ("sha256", "SHA-256"), ("nms", "NMS"), ("cpu", "processor")):
        words = " ".join(said if word == written else word for word in words.split(" "))
    return words[:1].upper() + words[1:]
