"""What CK has recorded of this project's benchmarks (``--record``): experiment entries and their points.

A point holds a run's whole timer file, but neither detections nor images' times.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.ck.kernel import access
from ckssd.errors import InputError, NotInstalledError
from ckssd.json_file import read_object
from ckssd.visual.record import NEEDED, checked

POINT = ".0001.json"
PREFIX = "experiment:"
HEADINGS = ("date", "experiment", "runtime", "model", "precision", "images", "mAP", "images/s")


@dataclass(frozen=True)
class Point:
    """One recorded run; ``date``: when its file was written, UTC; ``record``: as in a timer file."""

    experiment: str
    uid: str
    date: str
    record: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The numbers that a list shows, for JSON."""
        settings = self.record["settings"]
        return {
            "date": self.date,
            "experiment": self.experiment,
            "uid": self.uid,
            "runtime": settings.get("runtime", ""),
            "model": settings.get("model_name", ""),
            "precision": settings.get("precision", ""),
            "images": settings.get("images"),
            "mAP": self.record["mAP"],
            "images_per_second": self.record["images_per_second"],
        }


def points(tags: str = "", name: str = "") -> list[Point]:
    """Recorded runs of the experiments with all of these tags, or of this name; the newest first.

    Points of other programs, which have no mAP, are left out.

    Raises
    ------
    InputError
        A point's file cannot be read.
    """
    asked = {"action": "search", "module_uoa": "experiment", "tags": tags}
    found = access({**asked, "data_uoa": name} if name else asked)
    made = []
    for entry in found["lst"]:
        for file in Path(entry["path"]).glob(f"ckp-*{POINT}"):
            record = _record(file)
            if record is not None:
                written = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.timezone.utc)
                uid = file.name.removeprefix("ckp-").removesuffix(POINT)
                made.append(Point(entry["data_uoa"], uid, f"{written:%Y-%m-%d %H:%M:%S}", record))
    return sorted(made, key=lambda point: (point.date, point.uid), reverse=True)


def recorded(tags: str = "", name: str = "") -> list[Point]:
    """The same; raises a NotInstalledError where there are none."""
    found = points(tags, name)
    if not found:
        raise NotInstalledError(
            "CK has recorded no benchmark of this kind",
            where=f"{PREFIX}{name}" if name else f"--tags={tags}",
            advice="record one: ck benchmark program:object-detection-tflite --record --record_repo=local …",
        )
    return found


def describe(given: Sequence[Point]) -> str:
    """A table for people."""
    rows = [HEADINGS, *(_row(point) for point in given)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines) if given else "CK has recorded no benchmark yet."


def _row(point: Point) -> tuple[str, ...]:
    said = point.as_dict()
    numbers = (f"{said['mAP']:.4f}", f"{said['images_per_second']:.1f}")
    return (*(str(said[name]) for name in HEADINGS[:6]), *numbers)


def _record(file: Path) -> dict[str, Any] | None:
    """The timer file that a point was made of; None for a point of something else."""
    content = read_object(file, "recorded points")
    several = content.get("characteristics_list")
    if not isinstance(several, list) or not several or not isinstance(several[0], dict):
        raise InputError("The recorded point has no characteristics", where=file)
    run = several[0].get("run")
    if not isinstance(run, dict) or not set(NEEDED) <= run.keys():
        return None
    return checked(run, file)
