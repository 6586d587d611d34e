"""A part of a run: what one process found in some of its images, and all that decides it, in one file.

The file is NumPy's .npz, without pickled objects: arrays of the images, detections and times, and a JSON
object. `ckssd.measure.merging` makes a whole run of all parts.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.coco.annotations import ImageEntry
from ckssd.detect.backends import PostProcessing
from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.json_file import plain
from ckssd.measure.description import describe_detected
from ckssd.measure.detected import RECORD, DetectedImages, DetectedSet, Records, Seen
from ckssd.measure.result import RunSettings
from ckssd.measure.settings import BenchmarkSettings
from ckssd.measure.shards import WHOLE, Shard
from ckssd.measure.times import Times
from ckssd.memory import peak_memory_mb

FORMAT = "ckssd part 1"
# What NumPy and zipfile raise for anything that is no such file, besides errors of what is in it.
NO_PART = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, RecursionError),
    *(zipfile.BadZipFile, NotImplementedError, struct.error),
)
WHAT_IT_IS = "a file that ckssd benchmark --part wrote"


@dataclass(frozen=True)
class Asked:
    """What the metrics of the whole run need; paths as they were where the part ran, or None.

    ``own``: the postprocessing of the model, where a sweep ran it with another.
    """

    annotations: str
    hierarchy: str | None
    metrics_tool: str
    published: dict[str, Any] | None
    left_out: tuple[str, ...]
    full_report: bool
    own: dict[str, Any] | None = None


@dataclass(frozen=True)
class Part:
    """What was found in the images of a shard.

    ``whole``: how many images the run has. ``run``: what decided the detections. ``images`` were run, with
    ``lengths`` of ``records`` each. ``category_ids``, ``names``: as in DetectedImages. ``memory``: MiB.
    """

    shard: Shard
    whole: int
    run: RunSettings
    asked: Asked
    seen: Seen
    notes: tuple[str, ...]
    times: Times
    memory: float
    category_ids: dict[int, int]
    names: dict[int, str]
    images: tuple[ImageEntry, ...]
    lengths: tuple[int, ...]
    records: Records

    def detections(self) -> DetectedImages:
        """As they were found."""
        made = DetectedImages(self.category_ids, self.names)
        made.add_records(self.images, self.lengths, self.records)
        return made


def part_of(
    settings: BenchmarkSettings,
    found: DetectedSet,
    run: RunSettings | None = None,
    own: PostProcessing | None = None,
) -> Part:
    """What was found, with all that a merge needs.

    Parameters
    ----------
    run
        What decided it, if that was described.
    own
        The postprocessing of the model, if a sweep ran it with another.
    """
    selection, class_map = found.selection, found.class_map
    asked = Asked(
        str(settings.annotations.absolute()),
        None if settings.hierarchy is None else str(settings.hierarchy.absolute()),
        settings.metrics_tool,
        None if settings.published is None else plain(settings.published),
        class_map.left_out,
        settings.full_report,
        None if own is None else plain(own),
    )
    return Part(
        selection.shard,
        selection.whole,
        run or describe_detected(settings, found),
        asked,
        found.seen,
        found.other_notes,
        found.times,
        peak_memory_mb(),
        class_map.category_ids,
        class_map.names,
        found.detections.images,
        tuple(found.detections.lengths),
        found.detections.records(),
    )


def as_bytes(part: Part) -> bytes:
    """A part as a file has it."""
    described = {
        "format": FORMAT,
        "shard": str(part.shard),
        "whole": part.whole,
        "run": asdict(part.run),
        "asked": asdict(part.asked),
        "seen": asdict(part.seen),
        "notes": part.notes,
        "times": {**asdict(part.times), "load": None, "detect": None},
        "memory": part.memory,
        "category_ids": sorted(part.category_ids.items()),
        "names": sorted(part.names.items()),
        "file_names": [image.file_name for image in part.images],
    }
    file = io.BytesIO()
    np.savez(
        file,
        description=np.frombuffer(json.dumps(described).encode(), np.uint8),
        images=np.array([(image.id, image.width, image.height) for image in part.images], "<i8").reshape(
            -1, 3
        ),
        lengths=np.array(part.lengths, "<i8"),
        records=part.records,
        seconds=np.array([part.times.load, part.times.detect], "<f8"),
    )
    return file.getvalue()


def from_bytes(content: bytes, where: object) -> Part:
    """The part that a file has.

    Raises
    ------
    InputError
        It is no part, damaged, or of another version.
    """
    try:
        if not zipfile.is_zipfile(io.BytesIO(content)):  # NumPy would advise to trust it
            raise ValueError("another kind of file, or its end is missing")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        described = json.loads(found["description"].tobytes())
        if described["format"] != FORMAT:
            raise ValueError(f"format {described['format']!r}")
        return _part(described, found)
    except NO_PART as error:
        raise InputError(
            "This is no part of a run, or a damaged one", where=where, expected=WHAT_IT_IS, got=error
        ) from error


def _part(described: dict[str, Any], arrays: dict[str, Any]) -> Part:
    ids, lengths, records, seconds = (arrays[name] for name in ("images", "lengths", "records", "seconds"))
    if records.dtype != RECORD or lengths.sum() != len(records) or seconds.shape != (2, len(lengths)):
        raise ValueError("its arrays do not fit each other")
    images = tuple(
        ImageEntry(identity, name, width, height)
        for (identity, width, height), name in zip(ids.tolist(), described["file_names"], strict=True)
    )
    load, detect = (tuple(row) for row in seconds.tolist())
    seen, asked = described["seen"], described["asked"]
    apart = {name: tuple(each) for name, each in described["times"].get("parts", {}).items()}
    if any(len(each) != len(lengths) for each in apart.values()):
        raise ValueError("its times do not fit its images")
    number, _, of = described["shard"].partition("/")
    return Part(
        Shard(int(number), int(of)),
        described["whole"],
        RunSettings.from_mapping(described["run"]),
        Asked(**{**asked, "left_out": tuple(asked["left_out"])}),
        Seen(seen["images"], tuple(seen["unreadable"]), tuple(seen["tags"]), seen["orientation"]),
        tuple(described["notes"]),
        Times(**{**described["times"], "load": load, "detect": detect, "parts": apart}),
        described["memory"],
        dict(described["category_ids"]),
        dict(described["names"]),
        images,
        tuple(lengths.tolist()),
        records,
    )


def write_part(path: Path, part: Part) -> None:
    """Write a part beside its place and rename it there: a batch queue may end this process at any time.

    Raises
    ------
    EnvironmentSetupError
        It cannot be written.
    """
    content = as_bytes(part)
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise EnvironmentSetupError("The part cannot be written", where=path, got=error.strerror) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def read_part(path: Path) -> Part:
    """Read a part; raises an InputError if the file cannot be read or is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("The part cannot be read", where=path, got=error.strerror) from error
    return from_bytes(content, path)


def summary_of(part: Part, path: Path) -> str:
    """The text that a run of a part prints."""
    which = "all" if part.shard == WHOLE else f"part {part.shard}"
    return (
        f"{len(part.images)} images, {which} of {part.whole}, with {len(part.records)} detections: {path}\n"
        "The metrics are those of all parts: ckssd merge PARTS"
    )


def as_timer(part: Part, path: Path) -> dict[str, Any]:
    """What tmp-ck-timer.json has of a part: no metrics."""
    detections = part.detections()
    return {
        **part.times.as_timer(),
        "detection_time_total_s": part.times.detect_total,
        "images": len(part.images),
        "images_of_the_run": part.whole,
        "shard": str(part.shard),
        "part": str(path),
        "detections": len(detections),
        "detections_sha256": detections.sha256(),
        "settings": part.run.as_dict(),
        "notes": [*part.notes, *part.seen.notes()],
    }
