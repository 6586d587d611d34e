"""The charts of a run, each from its part of a report's data (docs/schema/report.json)."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ckssd.visual.svg import Plot, legend

WHOLE = (0.0, 1.0)
CURVES = (("s1", "0.50", "IoU 0.5"), ("s2", "0.75", "IoU 0.75"), ("s3", "mean", "mean of IoU 0.5 to 0.95"))
MEASURES = (("s1", "precision", "precision"), ("s2", "recall", "recall"), ("s3", "f1", "F1"))


def pr_curves(accuracy: dict[str, Any]) -> Markup:
    """Precision against recall, at two IoUs and meaned."""
    curves, metrics = accuracy["curves"], accuracy["metrics"]
    said = (
        f"AP {metrics['AP50']:.3f} at IoU 0.5, {metrics['AP75']:.3f} at 0.75, {metrics['AP']:.3f} in the mean"
    )
    plot = Plot(f"Precision against recall: {said}", WHOLE, WHOLE, "recall", "precision")
    for style, key, _ in CURVES:
        plot.line(zip(curves["recall"], curves[key], strict=True), style)
    return legend([(style, name) for style, _, name in CURVES]) + plot.draw()


def threshold_curves(thresholds: dict[str, Any]) -> Markup:
    """Precision, recall and F1 against the score threshold; the best F1 is marked."""
    best = thresholds["best"]
    said = "" if best is None else f", best F1 {best['f1']:.3f} at {best['score_threshold']:g}"
    plot = Plot(
        f"Precision, recall and F1 against the score threshold{said}",
        WHOLE,
        WHOLE,
        "score threshold",
        "share",
    )
    for style, key, _ in MEASURES:
        plot.line(((point["score_threshold"], point[key]) for point in thresholds["points"]), style)
    if best is not None:
        plot.rule(best["score_threshold"], "mark")
        plot.dot(
            best["score_threshold"],
            best["f1"],
            "s3",
            "best F1",
            f"F1 {best['f1']:.3f} at {best['score_threshold']:g}",
        )
    return legend([(style, name) for style, _, name in MEASURES]) + plot.draw()


def score_histogram(scores: dict[str, Any]) -> Markup:
    """How many detections have which score: right ones below, wrong ones on top."""
    edges, right, wrong = scores["edges"], scores["right"], scores["wrong"]
    highest = max([a + b for a, b in zip(right, wrong, strict=True)], default=0) or 1
    said = f"{sum(right)} right and {sum(wrong)} wrong detections by their scores"
    plot = Plot(said, WHOLE, (0, highest * 1.05), "score", "detections")
    for place, (good, bad) in enumerate(zip(right, wrong, strict=True)):
        across = (edges[place], edges[place + 1])
        told = f"score {across[0]:g} to {across[1]:g}: {good} right, {bad} wrong"
        if good:
            plot.bar(across, (0, good), "s1", told)
        if bad:
            plot.bar(across, (good, good + bad), "s2 hatched", told)
    return legend([("s1 thick", "right (IoU 0.5)"), ("s2 thick", "wrong")]) + plot.draw()


def reliability(calibration: dict[str, Any]) -> Markup:
    """How much of what has a score is right; on the diagonal, scores are probabilities."""
    distance = calibration["expected_error"]
    said = f"Share of right detections against their score; mean distance from the diagonal {distance:.3f}"
    plot = Plot(said, WHOLE, WHOLE, "mean score", "share that is right")
    plot.line([(0, 0), (1, 1)], "ideal")
    bins = calibration["bins"]
    plot.line([(one["score"], one["precision"]) for one in bins], "s1")
    for one in bins:
        told = f"score {one['score']:.2f}: {one['precision']:.2f} right of {one['detections']}"
        plot.dot(one["score"], one["precision"], "s1", told)
    return legend([("s1", "measured"), ("ideal", "scores that are probabilities")]) + plot.draw()


def latency_histogram(times: dict[str, Any]) -> Markup:
    """How long detection takes, with its percentiles."""
    edges = [edge * 1e3 for edge in times["histogram"]["edges_s"]]
    counts, slower = times["histogram"]["images"], times["histogram"]["slower"]
    percentiles = {one["percent"]: one["detect_s"] * 1e3 for one in times["percentiles"]}
    said = f"Detection times: median {percentiles[50]:.2f} ms, 90th percentile {percentiles[90]:.2f} ms"
    said += f", {slower} images beyond the chart"
    plot = Plot(said, (edges[0], edges[-1]), (0, max(counts) * 1.12), "detection of an image, ms", "images")
    for place, count in enumerate(counts):
        if count:
            across = (edges[place], edges[place + 1])
            plot.bar(across, (0, count), "s1", f"{across[0]:.2f} to {across[1]:.2f} ms: {count}")
    for percent in (50, 90):
        plot.rule(min(percentiles[percent], edges[-1]), "mark", f"{percent} %")
    return plot.draw()


def latency_series(times: dict[str, Any]) -> Markup:
    """Detection times in the order of the run: what warms up, what throttles."""
    series = times["series"]
    points = [(one["image"], one["lowest_s"] * 1e3, one["highest_s"] * 1e3) for one in series]
    highest = max(high for _, _, high in points)
    plot = Plot(
        f"Detection times in the order of the run, up to {highest:.1f} ms",
        (0, max(series[-1]["image"], 1)),
        (0, highest * 1.05 or 1),
        "image, in the order of the run",
        "detection, ms",
    )
    if len(points) > 1 and any(low != high for _, low, high in points):
        plot.band(points, "s1")
    plot.line([(one["image"], one["median_s"] * 1e3) for one in series], "s1")
    return plot.draw()


def accuracy_and_speed(comparison: dict[str, Any]) -> Markup:
    """MAP against images a second, a point for each run; with its interval where one is known."""
    rows = comparison["rows"]
    intervals = comparison["intervals"]["runs"] if comparison["intervals"] else [None] * len(rows)
    ends = [end for one in intervals if one for end in (one["low"], one["high"])]
    values = [row["mAP"] for row in rows] + ends
    margin = max((max(values) - min(values)) * 0.25, 0.01)
    y = (max(min(values) - margin, 0.0), min(max(values) + margin, 1.0))
    fastest = max(row["images_per_second"] for row in rows)
    said = "; ".join(
        f"{row['name']}: mAP {row['mAP']:.3f}, {row['images_per_second']:.1f} images/s" for row in rows
    )
    plot = Plot(
        f"Accuracy against speed. {said}", (0, fastest * 1.15 or 1), y, "images a second", "mAP", 640, 340
    )
    for place, (row, interval) in enumerate(zip(rows, intervals, strict=True)):
        x = row["images_per_second"]
        if interval is not None:
            plot.line([(x, interval["low"]), (x, interval["high"])], "whisker")
        plot.dot(x, row["mAP"], "s1", row["name"], str(place + 1), size=6)
    return plot.draw()
