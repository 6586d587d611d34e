"""A finished run as text: the original program's summary lines, then the settings that decide the result."""

from __future__ import annotations

from ckssd.coco.metric_types import COCO, TITLES
from ckssd.measure.result import BenchmarkResult, RunSettings

LINE = "-" * 32


def summary(result: BenchmarkResult, *, full: bool = False) -> str:
    """The text that a benchmark prints; ``full`` adds the metric's other numbers and AP by class."""
    parts = ["", "Summary:", LINE, *_times_and_accuracy(result)]
    if full:
        parts += [LINE, *_all_metrics(result)]
    parts += [LINE, *settings_lines(result.settings), *result.against_published(), LINE]
    parts += [f"Note: {note}" for note in result.notes]
    return "\n".join(parts)


def _times_and_accuracy(result: BenchmarkResult) -> list[str]:
    times, memory = result.times, result.settings.machine
    return [
        f"Graph loaded in {times.setup:.6f}s",
        f"All images loaded in {times.load_total:.6f}s",
        f"All images detected in {times.detect_total:.6f}s",
        f"Average detection time: {times.detect_average:.6f}s",
        f"mAP: {result.mean_average_precision!r}",
        f"Recall: {result.recall!r}",
        f"Detection time percentiles: 50th {times.detect_percentile(50):.6f}s, "
        f"90th {times.detect_percentile(90):.6f}s, 99th {times.detect_percentile(99):.6f}s "
        f"({_at_once(result.settings)})",
        f"Peak memory: {memory['detecting_peak_memory_mb']} MB to detect, "
        f"{memory['metrics_peak_memory_mb']} MB to compute the metrics",
        f"Images per second: {times.images_per_second:.2f} ({result.settings.images} in {times.wall:.6f}s)",
    ]


def _at_once(run: RunSettings) -> str:
    """Whose times they are: images that are run at once share the processor's caches and memory."""
    if run.mode == "latency" or run.threads == 1:
        return "one image at a time"
    return f"{run.threads} images at once"


def _all_metrics(result: BenchmarkResult) -> list[str]:
    lines = [f"{name}: {value!r}" for name, value in result.metrics["metrics"].items()]
    for name, value in result.metrics["per_class"].items():
        lines.append(f"AP of {name}: {'nothing to find' if value is None else repr(value)}")
    return lines


def settings_lines(run: RunSettings) -> list[str]:
    """What decides a run's result, a fact in a line."""
    width, height = run.input_size
    done = run.postprocessing
    nms = f"{done.nms}, custom settings" if done.custom_settings else done.nms
    limits = f"{done.max_detections} detections"
    if done.nms == "regular":
        limits += f", {done.detections_per_class} per class"
    else:
        limits += f", {done.max_classes_per_detection} class(es) per box"
    if run.mode == "latency":
        mode, threads = "latency (one image at a time)", f"{run.threads} in the interpreter"
    else:
        mode, threads = "throughput (an image for each core)", f"{run.threads} interpreters with 1 each"
    facts = {
        **_metric(run),
        "Mode": mode,
        "Runtime": f"{run.runtime}, {run.precision}; postprocessing by {done.by}",
        "NMS": nms,
        "Score threshold": f"{done.score_threshold:g}",
        "IoU threshold": f"{done.iou_threshold:g}",
        "Limits": limits,
        "Boxes": done.boxes,
        "Resize": f"{width}x{height}, {run.resize}",
        "Decoder": f"{run.decoder}; preprocessed cache: {run.preprocessed_cache}",
        "Channel order": f"{run.channel_order}, normalisation {run.normalisation}",
        "Labels": run.labels,
        "Class map": run.class_map,
        "Images": _images(run),
        "Threads": f"{threads}, postprocessing {done.threads}",
        "Versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
        "Model": ", ".join(map(str, run.model_files)),
    }
    return [f"{name}: {value}" for name, value in facts.items()]


def _metric(run: RunSettings) -> dict[str, str]:
    """What mAP and Recall are, where they are not COCO's."""
    if run.metric == COCO:
        return {}
    facts = {"Metric": f"{run.metric}, {TITLES[run.metric]}"}
    if run.hierarchy:
        facts["Hierarchy"] = f"{run.hierarchy}, applied to {run.expand}"
    return facts


def _images(run: RunSettings) -> str:
    text = f"{run.images} of {run.images_available} {run.image_order}, {run.images_skipped} skipped"
    text += f", {run.images_unreadable} unreadable" if run.images_unreadable else ""
    return f"{text}, turned upright where their EXIF says so" if run.image_orientation == "upright" else text
