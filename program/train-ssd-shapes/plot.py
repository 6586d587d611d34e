"""Draw a run's curve as SVG: mAP on the validation images and the training losses, by step.

Stands alone, needs nothing but Python 3.7.
"""

import argparse
import json
import math
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 360, 48
MAP_COLOUR, LOSS_COLOURS = "#1f6fb4", {"classification": "#d1702a", "localization": "#3c8d40"}
LOSS_RANGE = (0.1, 30.0)  # logarithmic


def read_lines(path):
    """Return the records of a log, one JSON object a line."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def draw(log, curve):
    """Return the SVG text for the records of log.jsonl and curve.jsonl."""
    losses = [record for record in log if "classification" in record]
    last = max(record["step"] for record in losses + curve)

    def x_of(step):
        return MARGIN + (WIDTH - 2 * MARGIN) * step / last

    def y_of(share):
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * min(1.0, max(0.0, share))

    def loss_share(value):
        low, high = (math.log(end) for end in LOSS_RANGE)
        return (math.log(max(value, LOSS_RANGE[0])) - low) / (high - low)

    parts = [*_frame(x_of, y_of, last)]
    for name, colour in LOSS_COLOURS.items():
        points = [(x_of(record["step"]), y_of(loss_share(record[name]))) for record in losses]
        parts.append(_line(points, colour, 1))
    measured = [(x_of(record["step"]), y_of(record["mAP"])) for record in curve]
    parts.append(_line(measured, MAP_COLOUR, 2))
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{MAP_COLOUR}"/>' for x, y in measured]
    parts += _legend()
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    style = 'font-family="sans-serif" font-size="12"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', *parts, "</svg>", ""])


def _frame(x_of, y_of, last):
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    for tenth in range(0, 11, 2):
        y = y_of(tenth / 10)
        yield f'<path d="M{x_of(0)} {y:.1f}H{x_of(last)}" stroke="#ddd"/>'
        yield f'<text x="{MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>'
    for step in range(0, last + 1, 1000):
        yield f'<text x="{x_of(step):.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{step}</text>'
    yield f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">step</text>'


def _line(points, colour, width):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _legend():
    low, high = LOSS_RANGE
    entries = [("mAP@[.5:.95], left axis", MAP_COLOUR)]
    entries += [(f"{name} loss, log scale {low} to {high}", colour) for name, colour in LOSS_COLOURS.items()]
    for row, (text, colour) in enumerate(entries):
        yield f'<text x="{MARGIN + 230 * row}" y="24" fill="{colour}">{text}</text>'


def main():
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="folder with log.jsonl and curve.jsonl")
    parser.add_argument("svg", help="file to write")
    arguments = parser.parse_args()
    log = read_lines(Path(arguments.run, "log.jsonl"))
    curve = read_lines(Path(arguments.run, "curve.jsonl"))
    Path(arguments.svg).write_text(draw(log, curve), encoding="utf-8")


if __name__ == "__main__":
    main()
