"""A report's data as one HTML file: templates of their own folder, charts, style and script inside it.

Everything that comes from data is escaped by the templates. A content security policy in the page forbids
every request and every script but the page's own, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ckssd.coco.written import of
from ckssd.errors import EnvironmentSetupError
from ckssd.json_file import write_whole
from ckssd.visual import charts, gallery
from ckssd.visual.pictures import Picture
from ckssd.visual.words import bytes_text, capital, fixed, milliseconds, percent, value_text

TEMPLATES = Path(__file__).parent / "templates"


def page(data: dict[str, Any], pictures: Sequence[dict[int, Picture]]) -> str:
    """The whole HTML file of a report; for both, see ckssd.visual.make.Report."""
    script = _own("script.js")
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    template = _environment().get_template("report.html")
    return template.render(
        report=data,
        pictures=pictures,
        style=_own("style.css"),
        script=script,
        script_hash=base64.b64encode(digest).decode("ascii"),
        embedded=embedded(data),
    )


def write_page(place: Path, text: str) -> Path:
    """Write a report; return its place.

    Raises
    ------
    EnvironmentSetupError
        It cannot be written there.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, lambda file: print(text, end="", file=file))
    except OSError as error:
        raise EnvironmentSetupError(
            "The report cannot be written", where=place, got=error.strerror
        ) from error
    return place


def embedded(data: dict[str, Any]) -> Markup:
    """JSON for inside a script element, which no text in it can end."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 (nothing is left in it that begins or ends markup)


def _own(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8").strip())  # noqa: S704 (a file of ours)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"charts": charts, "gallery": gallery}
    made.filters |= {
        "fixed": fixed,
        "ms": milliseconds,
        "percent": percent,
        "value": value_text,
        "size": bytes_text,
        "capital": capital,
        "of": of,
    }
    return made
