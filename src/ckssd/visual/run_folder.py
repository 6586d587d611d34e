"""A benchmark's result folder, as ``--results`` and the CK programs leave it: read and checked.

Only the timer file has to be there. What else is missing is said where the report would have shown it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.coco.results import Rows, read_results
from ckssd.detect.laps import LAPS
from ckssd.errors import InputError
from ckssd.json_file import read_object
from ckssd.measure.detected import ROW_TYPE
from ckssd.measure.files import hash_file
from ckssd.measure.record import DATA_SET_FILE, DETECTIONS_FILE, IMAGE_TIMES_FILE, TIMER_FILE
from ckssd.visual.record import checked

ACCURACY, TIMES, PICTURES = "accuracy", "times", "pictures"


@dataclass(frozen=True)
class ImageTimes:
    """Times of each image, seconds; ``parts``: of parts of loading and detecting, see ckssd.detect.laps."""

    image_ids: list[int]
    load: list[float]
    detect: list[float]
    parts: dict[str, list[float]]


@dataclass(frozen=True)
class RunFolder:
    """What a folder has of a run.

    ``record``: the timer file's content. ``rows``: the detections, see ckssd.coco.results, only where the
    annotations are there, too. ``missing``: part of a report to why it is not there.
    """

    path: Path
    record: dict[str, Any]
    rows: Rows | None = None
    annotations: Path | None = None
    pictures: Path | None = None
    times: ImageTimes = field(default_factory=lambda: ImageTimes([], [], [], {}))
    missing: dict[str, str] = field(default_factory=dict)


def read_run_folder(path: Path, pictures: Path | None = None, annotations: Path | None = None) -> RunFolder:
    """Read a result folder.

    Parameters
    ----------
    path
        The folder.
    pictures, annotations
        Where the data set is now; default: where it was when the benchmark ran.

    Raises
    ------
    InputError
        There is no result in it, or its files are not of one run.
    """
    record = read_record(path)
    missing: dict[str, str] = {}
    times = _times(path / IMAGE_TIMES_FILE, record, missing)
    places = _places(path / DATA_SET_FILE)
    truth = annotations or places.get("annotations")
    rows = _rows(path, record, truth, times.image_ids, missing)
    shown = pictures or places.get("images")
    if shown is None or not shown.is_dir():
        gone = "the result does not say where" if shown is None else f"no folder {shown}"
        missing[PICTURES] = f"the pictures are not there: {gone} (--images DIR names it)"
        shown = None
    return RunFolder(path, record, rows, truth if rows is not None else None, shown, times, missing)


def read_record(path: Path) -> dict[str, Any]:
    """The timer file of a result folder, or such a file itself; raises an InputError for anything else."""
    file = path / TIMER_FILE if path.is_dir() else path
    if not file.exists():
        raise InputError(
            "There is no result of a benchmark",
            where=path,
            expected=f"a folder with {TIMER_FILE}",
            advice="make one: ckssd benchmark --results DIR",
        )
    return checked(read_object(file, "results"), file)


def _places(file: Path) -> dict[str, Path]:
    if not file.exists():
        return {}
    said = read_object(file, "places of the data set")
    return {name: Path(place) for name, place in said.items() if isinstance(place, str)}


def _times(file: Path, record: dict[str, Any], missing: dict[str, str]) -> ImageTimes:
    if not file.exists():
        missing[TIMES] = f"there is no {file.name} in the folder, so nothing is known of single images"
        return ImageTimes([], [], [], {})
    said = read_object(file, "images' times")
    columns = {name: said.get(f"{name}_s") for name in ("load", "detect")}
    columns |= {name: said[f"{name}_s"] for name in LAPS if f"{name}_s" in said}
    columns["ids"] = said.get("image_ids")
    images = record["settings"].get("images", record.get("images"))
    lengths = [len(column) if isinstance(column, list) else 0 for column in columns.values()]
    if any(length != images for length in lengths):
        raise InputError(
            "The images' times are not of this run",
            where=file,
            expected=f"{images} of each",
            got=", ".join(map(str, lengths)),
        )
    try:
        ids = [int(one) for one in columns.pop("ids") or []]
        seconds = {name: [float(one) for one in column or []] for name, column in columns.items()}
    except (TypeError, ValueError) as error:
        raise InputError("The images' times are no numbers", where=file, got=error) from error
    return ImageTimes(ids, seconds.pop("load"), seconds.pop("detect"), seconds)


def _rows(
    path: Path, record: dict[str, Any], annotations: Path | None, ids: list[int], missing: dict[str, str]
) -> Rows | None:
    """The detections, if they and the annotations that the run was measured with are there."""
    file = path / DETECTIONS_FILE
    if annotations is None or not annotations.is_file():
        gone = "the result does not say where" if annotations is None else f"no file {annotations}"
        missing[ACCURACY] = f"the annotations are not there: {gone} (--annotations FILE names them)"
    elif not file.exists():
        missing[ACCURACY] = f"there is no {file.name} in the folder"
    elif not ids:
        missing[ACCURACY] = (
            f"there is no {IMAGE_TIMES_FILE} in the folder, which says the images that were run"
        )
    else:
        _check_hash("annotations", annotations, record["settings"].get("annotations_sha256"))
        rows = read_results(file)
        _check_detections(file, rows, record.get("detections_sha256"))
        return rows
    return None


def _check_hash(what: str, file: Path, wanted: Any) -> None:
    got = hash_file(file).sha256
    if wanted is not None and wanted != got:
        raise InputError(
            f"The {what} are not those of the run", where=file, expected=f"sha256 {wanted}", got=got
        )


def _check_detections(file: Path, rows: Rows, wanted: Any) -> None:
    got = detections_sha256(rows)
    if wanted is not None and wanted != got:
        raise InputError(
            "The detections are not those of the run", where=file, expected=f"sha256 {wanted}", got=got
        )


def detections_sha256(rows: Rows) -> str:
    """The hash that a record has of its detections; see ckssd.measure.detected.DetectedImages.sha256."""
    image, x, y, width, height, score, category = rows.T
    order = np.lexsort((height, width, y, x, category, -score, image))
    return hashlib.sha256(rows[order].astype(ROW_TYPE).tobytes()).hexdigest()
