"""Small charts as inline SVG: axes, lines, bars and points, coloured by the page's style sheet.

A chart is text of some kilobytes with no script and no address in it; libraries bring 56 kB to 5 MB for the
same (docs/report.md). Every text in it goes through ``element``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 44
Point = tuple[float, float]
Range = tuple[float, float]


@dataclass
class Plot:
    """One chart. ``summary`` is what a person hears who does not see it; ``x``, ``y``: ranges of the axes."""

    summary: str
    x: Range
    y: Range
    x_label: str
    y_label: str
    width: int = 520
    height: int = 300
    parts: list[Markup] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """Place of a value, in the chart's units."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0]) if self.x[1] > self.x[0] else 0.5
        up = (y - self.y[0]) / (self.y[1] - self.y[0]) if self.y[1] > self.y[0] else 0.5
        return (
            LEFT + across * (self.width - LEFT - RIGHT),
            self.height - BOTTOM - up * (self.height - TOP - BOTTOM),
        )

    def line(self, points: Iterable[tuple[float, float | None]], style: str) -> None:
        """A line; where a value is None, it is broken."""
        path, open_ = [], False
        for x, y in points:
            if y is None:
                open_ = False
                continue
            path.append("{}{:.1f} {:.1f}".format("L" if open_ else "M", *self.at(x, y)))
            open_ = True
        self._add("path", f"line {style}", d="".join(path))

    def band(self, points: Sequence[tuple[float, float, float]], style: str) -> None:
        """An area between two lines; x, low and high of each point."""
        there = [self.at(x, high) for x, _, high in points]
        back = [self.at(x, low) for x, low, _ in reversed(points)]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in [*there, *back]) + "Z"
        self._add("path", f"area {style}", d=path)

    def bar(self, x: Range, y: Range, style: str, said: str) -> None:
        """A bar from x[0] to x[1] and y[0] to y[1]; ``said``: what it shows on hovering."""
        (left, bottom), (right, top) = self.at(x[0], y[0]), self.at(x[1], y[1])
        size = {"width": max(right - left - 1, 0.5), "height": max(bottom - top, 0.0)}
        self._add("rect", f"bar {style}", element("title", said), x=left, y=top, **size)

    def dot(self, x: float, y: float, style: str, said: str, label: str = "", *, size: float = 4.5) -> None:
        """A point, with a label beside it if there is one."""
        across, down = self.at(x, y)
        self._add("circle", f"dot {style}", element("title", said), cx=across, cy=down, r=size)
        if label:
            before = across > self.width * 0.62
            self._text(across + (-9 if before else 9), down - 8, label, "end" if before else "start", "label")

    def rule(self, at: float, style: str, label: str = "") -> None:
        """A line up the whole chart at a value of x."""
        (x, low), (_, high) = self.at(at, self.y[0]), self.at(at, self.y[1])
        self._add("line", f"rule {style}", x1=x, y1=low, x2=x, y2=high)
        if label:
            before = x > self.width * 0.7
            self._text(x + (-5 if before else 5), TOP + 9, label, "end" if before else "start", "label")

    def draw(self) -> Markup:
        """The chart with its axes."""
        drawn, self.parts = self.parts, []
        self._axes()
        inside = Markup("").join([*self.parts, *drawn])
        view = f"0 0 {self.width} {self.height}"
        return element(
            "svg", inside, viewBox=view, role="img", **{"class": "chart", "aria-label": self.summary}
        )

    def _axes(self) -> None:
        (left, bottom), (right, _) = self.at(self.x[0], self.y[0]), self.at(self.x[1], self.y[0])
        for value in nice_ticks(*self.y):
            _, y = self.at(self.x[0], value)
            self._add("line", "grid", x1=left, y1=y, x2=right, y2=y)
            self._text(left - 7, y + 4, number(value), "end", "tick")
        for value in nice_ticks(*self.x):
            self._text(self.at(value, self.y[0])[0], bottom + 17, number(value), "middle", "tick")
        self._add("line", "axis", x1=left, y1=bottom, x2=right, y2=bottom)
        self._text((left + right) / 2, self.height - 7, self.x_label, "middle", "name")
        up = f"translate(13 {(bottom + TOP) / 2:.1f}) rotate(-90)"
        self._add("text", "name", self.y_label, transform=up, **{"text-anchor": "middle"})

    def _text(self, x: float, y: float, text: str, anchor: str, style: str) -> None:
        self._add("text", style, text, x=x, y=y, **{"text-anchor": anchor})

    def _add(self, name: str, style: str, inside: str = "", **attributes: str | float) -> None:
        self.parts.append(element(name, inside, **{"class": style, **attributes}))


def element(name: str, inside: str = "", **attributes: str | float) -> Markup:
    """An element; text in it and in its attributes is escaped, numbers have a decimal."""
    given = [(key, value if isinstance(value, str) else f"{value:.1f}") for key, value in attributes.items()]
    said = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in given)
    return Markup("<{0}{1}>{2}</{0}>").format(name, said, inside)


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers within a range: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def number(value: float) -> str:
    """A number for an axis: 1500 as 1,500; no more decimals than it needs."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def legend(entries: Sequence[tuple[str, str]]) -> Markup:
    """Style and name of each line, as a list above a chart; the sample has the line's dashes, too."""
    items = []
    for style, name in entries:
        sample = element("path", d="M1 5L25 5", **{"class": f"line {style}"})
        items.append(
            element("li", element("svg", sample, viewBox="0 0 26 10", **{"aria-hidden": "true"}) + name)
        )
    return element("ul", Markup("").join(items), **{"class": "legend"})
