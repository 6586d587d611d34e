"""Several runs beside each other: the first is what the others are compared with."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.visual.data import LEFT_OUT
from ckssd.visual.run_folder import RunFolder
from ckssd.worker import run_worker

BOOTSTRAP = "ckssd.coco.bootstrap"
EQUAL_WITHIN = 0.00005  # of mAP, which is shown with four decimals
NUMBERS = ("mAP", "recall", "images_per_second", "latency_median_s", "memory_mb")
# Facts that differ with every run and decide nothing.
NOT_DIFFERENCES = (*LEFT_OUT, "images_unreadable", "model_bytes")


def describe_comparison(
    names: Sequence[str],
    folders: Sequence[RunFolder],
    intervals: dict[str, Any] | str,
    medians: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What docs/schema/report.json has as ``comparison``.

    Parameters
    ----------
    intervals
        What ckssd.coco.bootstrap found, or why there are none.
    medians
        Rows of ckssd.measure.compare, where each run was repeated; default: the numbers of the runs.
    """
    rows = [_row(name, folder.record) for name, folder in zip(names, folders, strict=True)]
    for row, median in zip(rows, medians, strict=False):
        row |= {name: median[name] for name in NUMBERS if name in median}
        row["memory_mb"] = median.get("peak_memory_latency_mb", row["memory_mb"])
    found = None if isinstance(intervals, str) else intervals
    best = _best(rows)
    return {
        "rows": rows,
        "same_data": len({_data(folder.record["settings"]) for folder in folders}) == 1,
        "best": best,
        "best_by_chance": _by_chance(rows, best, found),
        "intervals": found,
        "no_intervals": intervals if isinstance(intervals, str) else None,
        "different": _different([folder.record["settings"] for folder in folders]),
        "notes": [],
    }


def describe_saved(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """The same of what `ckssd compare --json` printed: no single image is known of it."""
    rows = comparison["rows"]
    own = [comparison["different"].get(row["name"], {}) for row in rows]
    shown = [
        {
            **{name: row.get(name) for name in ("name", "runtime", "model", *NUMBERS)},
            "memory_mb": row.get("peak_memory_latency_mb"),
        }
        for row in rows
    ]
    return {
        "rows": shown,
        "same_data": True,
        "best": _best(shown),
        "best_by_chance": False,
        "intervals": None,
        "no_intervals": "the comparison was kept without detections",
        "different": _different(own),
        "notes": [str(note) for note in comparison.get("notes", [])],
    }


def _best(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the highest mAP, as far as it is shown."""
    highest = max(row["mAP"] for row in rows)
    return [row for row in rows if highest - row["mAP"] < EQUAL_WITHIN]


def _by_chance(
    rows: Sequence[dict[str, Any]], best: Sequence[dict[str, Any]], intervals: dict[str, Any] | None
) -> bool:
    """Whether the one best run may be no better than the first."""
    if intervals is None or len(best) > 1 or best[0] is rows[0]:
        return False
    difference = intervals["differences"][[row is best[0] for row in rows].index(True)]
    return bool(difference["low"] <= 0 <= difference["high"])


def _data(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """What has to be the same in runs whose accuracy is compared."""
    return tuple(settings.get(name) for name in ("annotations_sha256", "images", "images_skipped", "metric"))


def _row(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    settings = record["settings"]
    return {
        "name": name,
        "runtime": settings.get("runtime", ""),
        "model": settings.get("model_name", ""),
        "mAP": record["mAP"],
        "recall": record["recall"],
        "images_per_second": record["images_per_second"],
        "latency_median_s": record.get("detection_time_median_s"),
        "memory_mb": settings.get("machine", {}).get("detecting_peak_memory_mb"),
    }


def _different(several: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Settings that are not the same in all runs, with the value of each."""
    names = dict.fromkeys(name for one in several for name in one if name not in NOT_DIFFERENCES)
    values = {name: [one.get(name) for one in several] for name in names}
    return [
        {"name": name, "values": given}
        for name, given in values.items()
        if any(one != given[0] for one in given[1:])
    ]


def names_of(folders: Sequence[RunFolder]) -> list[str]:
    """What tells runs apart: runtime, model, precision, NMS; else their folders; else a number."""
    several = [_parts(folder.record["settings"]) for folder in folders]
    differ = [place for place, values in enumerate(zip(*several, strict=True)) if len(set(values)) > 1]
    shown = differ or range(len(several[0]))
    names = [" ".join(filter(None, (parts[place] for place in shown))) for parts in several]
    for depth in (-1, -2):
        twice = {name for name, number in Counter(names).items() if number > 1}
        folders_of = ["".join(folder.path.resolve().parts[depth:][:1]) for folder in folders]
        names = [
            f"{name} ({part})".strip() if name in twice else name
            for name, part in zip(names, folders_of, strict=True)
        ]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        names[place] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def _parts(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(settings.get(name, "")) for name in ("runtime", "model_name", "precision", "nms"))


def analyse_together(
    folders: Sequence[RunFolder], python: Path
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What ckssd.coco.analysis finds in each of runs that can be paired, and the intervals of their mAP."""
    with tempfile.TemporaryDirectory(prefix="ckssd-report-") as name:
        images = Path(name) / "images.json"
        images.write_text(json.dumps(folders[0].times.image_ids), encoding="utf-8")
        words = ["--annotations", str(folders[0].annotations), "--images", str(images)]
        for place, folder in enumerate(folders):
            file = Path(name) / f"{place}.npy"
            np.save(file, np.asarray(folder.rows), allow_pickle=False)
            words += ["--detections", str(file)]
        found, _ = run_worker(python, BOOTSTRAP, words)
    return found["runs"], found["intervals"]


def why_not_paired(folders: Sequence[RunFolder]) -> str:
    """Why runs cannot be compared picture by picture; empty where they can."""
    if any(folder.rows is None for folder in folders):
        return "not all runs have their detections and annotations"
    first = folders[0]
    if any(sorted(folder.times.image_ids) != sorted(first.times.image_ids) for folder in folders[1:]):
        return "the runs are not of the same images"
    hashes = {folder.record["settings"].get("annotations_sha256") for folder in folders}
    return "the runs are not of the same annotations" if len(hashes) > 1 else ""
