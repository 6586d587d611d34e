"""Runs of several runtimes and models side by side: in turn, then medians, and the settings that differ.

A machine's speed drifts while it measures. So every contender runs once before any runs again, and what is
compared are medians over such rounds. Accuracy has no spread: a contender that gives other numbers in another
round or mode is said to.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ckssd.measure.images import MODES

# A record: what a run writes to its timer file, see ckssd.measure.result.
Record = dict[str, Any]

ACCURACY = ("mAP", "recall")
LATENCY = {
    "latency_median_s": "prediction_time_median_s",
    "latency_p90_s": "prediction_time_p90_s",
    "latency_p99_s": "prediction_time_p99_s",
    "load_s": "setup_time_s",
    "start_to_first_detection_s": "start_to_first_detection_s",
}
# What every run has as its own, or what the comparison is about.
NOT_COMPARED = ("mode", "machine", "versions")


@dataclass(frozen=True)
class Contender:
    """One of those compared; ``name`` tells it from the others."""

    name: str
    runtime: str
    model: str


@dataclass(frozen=True)
class Comparison:
    """Medians and what they depend on.

    ``rows``: one for each contender. ``common``: the settings that are the same for all; ``different``: the
    others, by contender's name.
    """

    rounds: int
    rows: list[dict[str, Any]]
    common: dict[str, Any]
    different: dict[str, dict[str, Any]]
    machine: dict[str, Any]
    versions: dict[str, dict[str, str]]
    notes: list[str]


def measure_in_turn(
    contenders: Sequence[Contender], rounds: int, run: Callable[[Contender, str], Record]
) -> dict[Contender, dict[str, list[Record]]]:
    """Run every contender once in each mode, ``rounds`` times over: A B A B.

    Returns
    -------
    dict
        The records of each contender, by mode.
    """
    records: dict[Contender, dict[str, list[Record]]] = {
        contender: {mode: [] for mode in MODES} for contender in contenders
    }
    for _ in range(rounds):
        for mode in MODES:
            for contender in contenders:
                records[contender][mode].append(run(contender, mode))
    return records


def compare(records: dict[Contender, dict[str, list[Record]]]) -> Comparison:
    """Medians of what was measured, and what the numbers depend on."""
    settings = {contender.name: _settings(runs) for contender, runs in records.items()}
    first = next(iter(settings.values()))
    common = {
        key: value
        for key, value in first.items()
        if all(others.get(key) == value for others in settings.values())
    }
    different = {
        name: {key: value for key, value in own.items() if key not in common}
        for name, own in settings.items()
    }
    some = [runs[MODES[0]][0] for runs in records.values()]
    machine = {key: value for key, value in some[0]["settings"]["machine"].items() if "memory" not in key}
    return Comparison(
        rounds=len(next(iter(records.values()))[MODES[0]]),
        rows=[_row(contender, runs) for contender, runs in records.items()],
        common=common,
        different=different,
        machine=machine,
        versions={
            contender.name: record["settings"]["versions"]
            for contender, record in zip(records, some, strict=True)
        },
        notes=list(_notes(records)),
    )


def runs_as_data(records: dict[Contender, dict[str, list[Record]]]) -> list[dict[str, Any]]:
    """What every single run gave, for JSON: times in seconds, peak memory in MiB."""
    return [
        {
            "name": contender.name,
            "mode": mode,
            **{key: record[key] for key in (*ACCURACY, "detections", "detections_sha256")},
            "peak_memory_mb": _peak_memory(record),
            "times": record["run_time_state"],
        }
        for contender, by_mode in records.items()
        for mode, several in by_mode.items()
        for record in several
    ]


def _settings(runs: dict[str, list[Record]]) -> dict[str, Any]:
    settings = runs[MODES[0]][0]["settings"]
    return {key: value for key, value in settings.items() if key not in NOT_COMPARED}


def _row(contender: Contender, runs: dict[str, list[Record]]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": contender.name, "runtime": contender.runtime, "model": contender.model}
    row |= {key: runs["latency"][0][key] for key in ACCURACY}
    times = [record["run_time_state"] for record in runs["latency"]]
    row |= {name: statistics.median(one[key] for one in times) for name, key in LATENCY.items()}
    row["images_per_second"] = statistics.median(record["images_per_second"] for record in runs["throughput"])
    for mode in MODES:
        memory = [_peak_memory(record) for record in runs[mode]]
        row[f"peak_memory_{mode}_mb"] = statistics.median(memory)
    return row


def _peak_memory(record: Record) -> float:
    """That of the process with the runtime, in MiB."""
    return float(record["settings"]["machine"]["detecting_peak_memory_mb"])


def _notes(records: dict[Contender, dict[str, list[Record]]]) -> Iterator[str]:
    """What all contenders note, such as how annotations were read, once; then what each has of its own."""
    noted = [runs[MODES[0]][0]["notes"] for runs in records.values()]
    common = [note for note in noted[0] if all(note in others for others in noted[1:])]
    yield from common
    for contender, runs in records.items():
        every = [record for mode in MODES for record in runs[mode]]
        if len({record["detections_sha256"] for record in every}) > 1:
            yield f"{contender.name}: the detections are not the same in every round and mode"
        yield from (f"{contender.name}: {note}" for note in every[0]["notes"] if note not in common)
