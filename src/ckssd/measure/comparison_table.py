"""A comparison as text for people."""

from __future__ import annotations

from typing import Any

from ckssd.measure.compare import Comparison
from ckssd.measure.files import HashedFile

# Heading, key of the row, factor, decimals.
COLUMNS = (
    ("mAP", "mAP", 1.0, 4),
    ("Recall", "recall", 1.0, 4),
    ("median ms", "latency_median_s", 1e3, 2),
    ("p90 ms", "latency_p90_s", 1e3, 2),
    ("p99 ms", "latency_p99_s", 1e3, 2),
    ("images/s", "images_per_second", 1.0, 1),
    ("memory MB", "peak_memory_latency_mb", 1.0, 0),
    ("load s", "load_s", 1.0, 2),
    ("start s", "start_to_first_detection_s", 1.0, 2),
)


def table(comparison: Comparison) -> str:
    """Rows and columns, then what all contenders have in common and what not."""
    width = max(len(str(row["name"])) for row in comparison.rows)
    lines = [" ".join([" " * width, *(f"{heading:>10}" for heading, *_ in COLUMNS)])]
    for row in comparison.rows:
        cells = [f"{row[key] * factor:>10.{decimals}f}" for _, key, factor, decimals in COLUMNS]
        lines.append(" ".join([f"{row['name']:<{width}}", *cells]))
    lines += [
        "",
        f"Medians of {comparison.rounds} rounds, each contender once a round: latency one image at a time,",
        "images/s with an image for each core; start-up and the detecting process's memory of latency runs.",
    ]
    lines += ["", "The same for all:", *_facts(comparison.common)]
    for name, own in comparison.different.items():
        versions = ", ".join(f"{library} {version}" for library, version in comparison.versions[name].items())
        lines += ["", f"{name}:", *_facts(own), f"    versions: {versions}"]
    lines += ["", "Machine:", *_facts(comparison.machine)]
    lines += [f"Note: {note}" for note in comparison.notes]
    return "\n".join(lines)


def _facts(facts: dict[str, Any]) -> list[str]:
    if "model_files" in facts:
        facts = {**facts, "model_files": [str(HashedFile(**file)) for file in facts["model_files"]]}
    return [f"    {key.replace('_', ' ')}: {_shown(value)}" for key, value in facts.items() if value != ""]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(_shown, value)) if isinstance(value, list | tuple) else str(value)
