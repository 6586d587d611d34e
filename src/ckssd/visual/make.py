"""A report of result folders: read, analysed in the environment of the COCO tools, described."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.visual.data import describe_run, report_data
from ckssd.visual.pictures import Picture, embed
from ckssd.visual.run_folder import PICTURES, RunFolder, read_run_folder
from ckssd.worker import run_worker

ANALYSIS = "ckssd.coco.analysis"


@dataclass(frozen=True)
class Report:
    """``data``: see ckssd.visual.data. ``pictures``: of each run, image id to picture."""

    data: dict[str, Any]
    pictures: tuple[dict[int, Picture], ...]


def make_report(
    run: Path, tools: Callable[[], Path], pictures: Path | None = None, annotations: Path | None = None
) -> Report:
    """A report of a result folder.

    Parameters
    ----------
    run
        A result folder, see ckssd.visual.run_folder.
    tools
        Gives the interpreter that has the COCO tools; called only where there is something to analyse.
    pictures, annotations
        Where the data set is now; default: where it was when the benchmark ran.

    Raises
    ------
    InputError
        There is no result, or its files are not of one run.
    CkssdError
        What ``tools`` or the analysis raises.
    """
    folder = read_run_folder(run, pictures, annotations)
    accuracy = None if folder.rows is None else analyse(folder, tools())
    name = run.resolve().name
    return Report(report_data([describe_run(name, folder, accuracy)]), (_pictures(folder, accuracy),))


def _pictures(folder: RunFolder, accuracy: dict[str, Any] | None) -> dict[int, Picture]:
    images = [] if accuracy is None else accuracy["worst"]
    upright = folder.record["settings"].get("image_orientation") == "upright"
    return embed(images, folder.pictures, folder.missing.get(PICTURES, ""), upright=upright)


def analyse(folder: RunFolder, python: Path) -> dict[str, Any]:
    """What ckssd.coco.analysis finds in a folder that has detections and annotations."""
    with tempfile.TemporaryDirectory(prefix="ckssd-report-") as name:
        found, images = Path(name) / "detections.npy", Path(name) / "images.json"
        np.save(found, np.asarray(folder.rows), allow_pickle=False)
        images.write_text(json.dumps(folder.image_ids), encoding="utf-8")
        files = {"--annotations": folder.annotations, "--detections": found, "--images": images}
        words = [word for flag, file in files.items() for word in (flag, str(file))]
        accuracy: dict[str, Any]
        accuracy, _ = run_worker(python, ANALYSIS, words)
    return accuracy
