"""Our NMS against TFLite's kernel, on the full-size model's own outputs."""

from __future__ import annotations

from statistics import median

from bench.context import MODEL, Context, Row, median_ratio

IMAGES = 50
MOST_RATIO = {0.3: 1.0, 1e-5: 3.0}


def measure(context: Context) -> list[Row]:
    """Regular and fast, at threshold 0.3 and at 1e-5."""
    arguments = (
        context.regular_graph,
        context.full_size[f"{MODEL}ANCHORS"],
        context.data / "images",
        IMAGES,
    )
    runs = [
        context.run(context.litert_python, "nms_and_kernel.py", *arguments) for _ in range(context.rounds)
    ]
    return [_row(list(samples)) for samples in zip(*runs, strict=True)]


def _row(samples: list[dict]) -> Row:
    nms, threshold = samples[0]["nms"], samples[0]["threshold"]
    ours, kernel = ([sample[f"{name}_ms"] for sample in samples] for name in ("ours", "kernel"))
    ratio, unequal = median_ratio(ours, kernel), sum(sample["unequal_images"] for sample in samples)
    limit = MOST_RATIO[threshold]
    return Row(
        f"our {nms} NMS against TFLite's kernel, threshold {threshold:g}",
        "no slower" if limit == 1.0 else f"at most {limit:g} times slower",
        f"{ratio:.2f} of its time ({median(ours):.2f} and {median(kernel):.2f} ms); "
        f"{'equal' if not unequal else f'{unequal} images NOT EQUAL'}",
        ratio <= limit and not unequal,
        {"samples": samples},
    )
