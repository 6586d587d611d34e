"""What was found in videos, a row a detection with its frame and time, written while the frames go by.

JSON is a list of COCO results with the frame beside; CSV has the same columns. ``image_id`` counts the frames
that were detected in, over all videos, from 1 on: also those that nothing was found in.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from ckssd.detect.results_file import check_format
from ckssd.errors import EnvironmentSetupError
from ckssd.json_file import write_whole

COLUMNS = ("file", "frame", "seconds", "image_id", "category_id", "category", "score")
BOX = ("x", "y", "width", "height")


class FrameRows:
    """Writes rows to an open file, as CSV or as JSON."""

    def __init__(self, file: TextIO, *, as_table: bool) -> None:
        self._file, self._images, self._rows = file, 0, 0
        self._table = csv.writer(file, lineterminator="\n") if as_table else None
        if self._table is not None:
            self._table.writerow([*COLUMNS, *BOX])

    def add(self, name: str, frame: int, seconds: float, found: Sequence[dict[str, Any]]) -> None:
        """Append a frame's detections, see ckssd.detect.pictures.describe."""
        self._images += 1
        for one in found:
            where = (name, frame, round(seconds, 6), self._images)
            self._write((*where, one["id"], one["name"]), one["score"], one["bbox"])
            self._rows += 1

    def _write(self, cells: tuple[Any, ...], score: float, box: Sequence[float]) -> None:
        if self._table is not None:
            self._table.writerow([*cells, repr(score), *(f"{side:.3f}" for side in box)])
            return
        row = dict(zip(COLUMNS, (*cells, score), strict=True))
        row["file_name"] = row.pop("file")  # as COCO names it
        self._file.write((",\n" if self._rows else "[\n") + json.dumps({**row, "bbox": list(box)}))

    def end(self) -> None:
        """Close the list."""
        if self._table is None:
            self._file.write("\n]\n" if self._rows else "[]\n")


def write_frames(path: Path, run: Callable[[FrameRows], None]) -> None:
    """Write what ``run`` adds, in the format that the name says; a run that fails leaves no file.

    Raises
    ------
    UsageError
        The name says no known format.
    EnvironmentSetupError
        The file cannot be written.
    """
    check_format(path)

    def write(file: TextIO) -> None:
        rows = FrameRows(file, as_table=path.suffix.lower() == ".csv")
        run(rows)
        rows.end()

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)
    except OSError as error:
        raise EnvironmentSetupError(
            "The results cannot be written", where=path, got=error.strerror
        ) from error
