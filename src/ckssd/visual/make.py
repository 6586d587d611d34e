"""A report of result folders: read, analysed in the environment of the COCO tools, described."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.errors import InputError
from ckssd.json_file import read_object
from ckssd.visual.compared import (
    analyse_together,
    describe_comparison,
    describe_saved,
    names_of,
    why_not_paired,
)
from ckssd.visual.data import describe_run, report_data
from ckssd.visual.pictures import MOST_PICTURES, Picture, embed
from ckssd.visual.run_folder import ACCURACY, PICTURES, TIMES, RunFolder, read_run_folder
from ckssd.worker import run_worker

ANALYSIS = "ckssd.coco.analysis"
ROW_NUMBERS = ("mAP", "recall", "images_per_second", "latency_median_s")
ONLY_NUMBERS = "CK records a run's numbers, not its detections and images' times"


@dataclass(frozen=True)
class Places:
    """Where a data set is: its pictures, its annotations; None: where the run found it."""

    pictures: Path | None = None
    annotations: Path | None = None


@dataclass(frozen=True)
class Report:
    """``data``: see ckssd.visual.data. ``pictures``: of each run, image id to picture."""

    data: dict[str, Any]
    pictures: tuple[dict[int, Picture], ...]


def make_report(
    runs: Sequence[Path],
    tools: Callable[[], Path],
    places: Places | None = None,
    medians: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """A report of a result folder, or of several side by side.

    Parameters
    ----------
    runs
        Result folders, see ckssd.visual.run_folder; or one file with what `ckssd compare --json` printed.
    tools
        Gives the interpreter that has the COCO tools; called only where there is something to analyse.
    places
        Where the data set is now; default: where it was when the benchmarks ran.
    medians
        Rows of ckssd.measure.compare for these runs, in order, where each was repeated.

    Raises
    ------
    InputError
        There is no result, or its files are not of one run.
    CkssdError
        What ``tools`` or the analysis raises.
    """
    saved = saved_comparison(runs[0]) if len(runs) == 1 else None
    if saved is not None:
        return Report(report_data([], describe_saved(saved)), ())
    where = places or Places()
    folders = [read_run_folder(run, where.pictures, where.annotations) for run in runs]
    names = [str(row["name"]) for row in medians] or names_of(folders)
    accuracies, intervals = _accuracies(folders, tools)
    for accuracy in accuracies:
        if accuracy is not None:
            del accuracy["worst"][MOST_PICTURES // len(folders) :]
    described = [
        describe_run(name, folder, accuracy)
        for name, folder, accuracy in zip(names, folders, accuracies, strict=True)
    ]
    pictures = tuple(
        _pictures(folder, accuracy) for folder, accuracy in zip(folders, accuracies, strict=True)
    )
    comparison = None
    if len(folders) > 1:
        comparison = describe_comparison(names, folders, intervals, medians)
    return Report(report_data(described, comparison), pictures)


def _accuracies(
    folders: Sequence[RunFolder], tools: Callable[[], Path]
) -> tuple[list[dict[str, Any] | None], dict[str, Any] | str]:
    """What is found of each run, and the intervals of several, or why there are none."""
    reason = "there is one run" if len(folders) == 1 else why_not_paired(folders)
    if reason:
        found = [None if folder.rows is None else analyse(folder, tools()) for folder in folders]
        return found, reason
    several, intervals = analyse_together(folders, tools())
    return [*several], intervals


def report_of_records(
    names: Sequence[str], records: Sequence[dict[str, Any]], notes: Sequence[str] = ()
) -> Report:
    """A report of timer files alone, as CK records them; ``names`` go beside what their settings say."""
    missing = dict.fromkeys((ACCURACY, TIMES, PICTURES), ONLY_NUMBERS)
    folders = [
        RunFolder(Path(name), record, missing=missing) for name, record in zip(names, records, strict=True)
    ]
    called = [
        f"{name} ({folder.path.name})" if folder.path.name not in name else name
        for name, folder in zip(names_of(folders), folders, strict=True)
    ]
    described = [describe_run(name, folder, None) for name, folder in zip(called, folders, strict=True)]
    if len(folders) == 1:
        return Report(report_data(described), ({},))
    comparison = describe_comparison(called, folders, ONLY_NUMBERS)
    comparison["notes"] += notes
    return Report(report_data(described, comparison), tuple({} for _ in folders))


def saved_comparison(file: Path) -> dict[str, Any] | None:
    """The data in a file that `ckssd compare --json` printed; None for anything else."""
    if not file.is_file():
        return None
    content = read_object(file, "results")
    data = content.get("data", content)
    whole = isinstance(data, dict) and isinstance(data.get("rows"), list) and data["rows"]
    if not whole or not isinstance(data.get("different"), dict):
        return None
    for row in data["rows"]:
        if not isinstance(row, dict) or not {"name", *ROW_NUMBERS} <= row.keys():
            raise InputError(
                "The file is no comparison", where=file, expected=f"rows with name, {', '.join(ROW_NUMBERS)}"
            )
    return dict(data)


def _pictures(folder: RunFolder, accuracy: dict[str, Any] | None) -> dict[int, Picture]:
    images = [] if accuracy is None else accuracy["worst"]
    upright = folder.record["settings"].get("image_orientation") == "upright"
    return embed(images, folder.pictures, folder.missing.get(PICTURES, ""), upright=upright)


def analyse(folder: RunFolder, python: Path) -> dict[str, Any]:
    """What ckssd.coco.analysis finds in a folder that has detections and annotations."""
    with tempfile.TemporaryDirectory(prefix="ckssd-report-") as name:
        found, images = Path(name) / "detections.npy", Path(name) / "images.json"
        np.save(found, np.asarray(folder.rows), allow_pickle=False)
        images.write_text(json.dumps(folder.times.image_ids), encoding="utf-8")
        files = {"--annotations": folder.annotations, "--detections": found, "--images": images}
        words = [word for flag, file in files.items() for word in (flag, str(file))]
        accuracy: dict[str, Any]
        accuracy, _ = run_worker(python, ANALYSIS, words)
    return accuracy
