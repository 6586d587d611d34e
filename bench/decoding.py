"""Decoders, and ways to a network's pixels, side by side: why JPEGs go to simplejpeg and then to Pillow."""

from __future__ import annotations

from statistics import median

from bench.context import Context, Row

IMAGES = 200
SIDE = 300  # of SSD-MobileNet's input
WITHIN = 1.05  # what two runs of the same differ by


def measure(context: Context) -> list[Row]:
    """Milliseconds for an image of COCO's size, one thread."""
    return [
        _row(context, "decoding a JPEG of COCO's size, one thread", "simplejpeg", "decoders.py"),
        _row(
            context,
            f"reading a JPEG of COCO's size as {SIDE}x{SIDE} pixels, one thread",
            "simplejpeg and pillow",
            "readers.py",
            SIDE,
        ),
    ]


def _row(context: Context, name: str, ours: str, script: str, *arguments: int) -> Row:
    folder = context.data / "images"
    runs = [
        context.run(context.litert_python, script, folder, IMAGES, *arguments) for _ in range(context.rounds)
    ]
    times = {way: median(run["seconds"][way] for run in runs) for way in runs[0]["seconds"]}
    exact = {way: all(run["exact"][way] for run in runs) for way in times}
    shown = ", ".join(
        f"{way} {seconds * 1e3:.2f} ms{'' if exact[way] else ' (other pixels)'}"
        for way, seconds in times.items()
    )
    quickest = min(seconds for way, seconds in times.items() if exact[way])
    return Row(
        name,
        f"{ours}: every pixel as Pillow gives it, and no exact way faster by more than 5%",
        shown,
        exact[ours] and times[ours] <= quickest * WITHIN,
        {"runs": runs},
    )
