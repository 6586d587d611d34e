"""What latency mode adds to the time of the bare interpreter."""

from __future__ import annotations

from statistics import median

from bench.context import Context, Row, median_ratio

IMAGES = 100
MOST_ADDED = 0.03


def measure(context: Context) -> list[Row]:
    """With one thread, where both run the same kernels on the same tensors."""
    images = context.data / "images"
    runs = [
        context.run(context.litert_python, "latency.py", context.regular_graph, images, IMAGES, 1)
        for _ in range(context.rounds)
    ]
    bare, ours = ([run[name] for run in runs] for name in ("bare", "ours"))
    added = median_ratio(ours, bare) - 1
    return [
        Row(
            "latency mode overhead over the bare interpreter's invoke, 1 thread",
            f"under {MOST_ADDED:.0%}",
            f"{added:.1%} ({median(ours):.2f} and {median(bare):.2f} ms)",
            added < MOST_ADDED,
            {"milliseconds": runs},
        )
    ]
