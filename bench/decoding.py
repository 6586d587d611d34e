"""Decoders side by side: why JPEGs go to simplejpeg."""

from __future__ import annotations

from statistics import median

from bench.context import Context, Row

IMAGES = 200
WITHIN = 1.05  # what two runs of the same differ by


def measure(context: Context) -> list[Row]:
    """Milliseconds for an image of COCO's size, one thread."""
    folder = context.data / "images"
    runs = [context.run(context.litert_python, "decoders.py", folder, IMAGES) for _ in range(context.rounds)]
    times = {name: median(run["seconds"][name] for run in runs) for name in runs[0]["seconds"]}
    exact = {name: all(run["exact"][name] for run in runs) for name in times}
    shown = ", ".join(
        f"{name} {seconds * 1e3:.2f} ms{'' if exact[name] else ', NOT EQUAL'}"
        for name, seconds in times.items()
    )
    quickest = min(seconds for name, seconds in times.items() if exact[name])
    return [
        Row(
            "decoding a JPEG of COCO's size, one thread",
            "simplejpeg: every pixel as Pillow gives it, and no exact one faster by more than 5%",
            shown,
            exact["simplejpeg"] and times["simplejpeg"] <= quickest * WITHIN,
            {"runs": runs},
        )
    ]
