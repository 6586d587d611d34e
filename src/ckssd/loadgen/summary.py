"""A run under LoadGen as text: its verdict and figures, ours beside them, accuracy, and what decides them."""

from __future__ import annotations

from ckssd.loadgen.result import LoadGenResult
from ckssd.measure.summary import LINE, settings_lines


def summary(result: LoadGenResult) -> str:
    """The text that a run prints."""
    parts = ["", "Summary:", LINE, *_verdict(result), *_figures(result), *_accuracy(result)]
    parts += [LINE, *settings_lines(result.settings), LINE]
    parts += [f"Note: {note}" for note in result.notes]
    return "\n".join(parts)


def _verdict(result: LoadGenResult) -> list[str]:
    facts, verdict = result.loadgen, result.verdict
    audit = f", {facts['audit']}" if facts["audit"] else ""
    lines = [f"LoadGen: {facts['scenario']}, {facts['mode']}, rules of {facts['round']}{audit}"]
    if verdict.result is not None:
        why = f" ({'; '.join(verdict.reasons)})" if verdict.reasons else ""
        lines.append(f"Result: {verdict.result}{why}")
    return lines


def _figures(result: LoadGenResult) -> list[str]:
    verdict, times = result.verdict, result.times
    lines = []
    if verdict.percentiles_ns:
        shown = [
            f"{name}th {verdict.percentiles_ns[name] / 1e9:.6f}s" for name in ("50.00", "90.00", "99.00")
        ]
        lines.append(f"LoadGen's latency percentiles of a query: {', '.join(shown)}")
    if verdict.early_stopping_ns:
        lines.append(f"LoadGen's latency by early stopping: {verdict.early_stopping_ns / 1e9:.6f}s")
    if verdict.samples_per_second:
        lines.append(f"LoadGen's samples per second: {verdict.samples_per_second:.2f}")
    lines.append(
        f"Detection time percentiles: 50th {times.detect_percentile(50):.6f}s, "
        f"90th {times.detect_percentile(90):.6f}s, 99th {times.detect_percentile(99):.6f}s"
    )
    lines.append(
        f"Images per second: {times.images_per_second:.2f} ({len(times.detect)} in {times.wall:.6f}s)"
    )
    return lines


def _accuracy(result: LoadGenResult) -> list[str]:
    if result.metrics is None:
        return []
    return [f"mAP: {float(result.metrics['mAP'])!r}", f"Recall: {float(result.metrics['recall'])!r}"]
