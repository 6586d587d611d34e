"""Decoders side by side: why JPEGs go to simplejpeg."""

from __future__ import annotations

from statistics import median

from bench.context import Context, Row

IMAGES = 200


def measure(context: Context) -> list[Row]:
    """Milliseconds for an image of COCO's size, one thread."""
    folder = context.data / "images"
    runs = [context.run(context.litert_python, "decoders.py", folder, IMAGES) for _ in range(context.rounds)]
    times = {name: median(run["seconds"][name] for run in runs) for name in runs[0]["seconds"]}
    exact = all(run["exact"]["simplejpeg"] for run in runs)
    shown = ", ".join(f"{name} {seconds * 1e3:.2f} ms" for name, seconds in times.items())
    return [
        Row(
            "decoding a JPEG of COCO's size, one thread",
            "simplejpeg fastest, every pixel as Pillow gives it",
            f"{shown}; {'equal' if exact else 'NOT EQUAL'}",
            exact and times["simplejpeg"] == min(times.values()),
            {"runs": runs},
        )
    ]
