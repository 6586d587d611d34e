"""What was found in a person's pictures as a file that other tools read: COCO results as JSON, or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.json_file import write_whole
from ckssd.values import refuse_address

COLUMNS = ("file", "image_id", "category_id", "category", "score", "x", "y", "width", "height")
FORMATS = (".json", ".csv")


def check_format(path: Path) -> None:
    """Raise a UsageError if the file's name says no known format: before anything is detected."""
    refuse_address("--output", path)
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            "--output has no value that can be used", expected=f"a file {' or '.join(FORMATS)}", got=path
        )


def write_results(path: Path, images: Sequence[dict[str, Any]]) -> None:
    """Write the detections of pictures (see ckssd.detect.pictures.describe) in the format that the name says.

    JSON is a list of COCO results, with the file's and the class's name beside; image ids count from 1.

    Raises
    ------
    UsageError
        The name says no known format.
    EnvironmentSetupError
        The file cannot be written.
    """
    check_format(path)
    rows = list(_rows(images))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _write_csv(rows) if path.suffix.lower() == ".csv" else _write_json(rows))
    except OSError as error:
        raise EnvironmentSetupError(
            "The results cannot be written", where=path, got=error.strerror
        ) from error


def _rows(images: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, image in enumerate(images, start=1):
        for found in image["detections"]:
            yield {
                "file_name": image["file"],
                "image_id": number,
                "category_id": found["id"],
                "category": found["name"],
                "score": found["score"],
                "bbox": found["bbox"],
            }


def _write_json(rows: Sequence[dict[str, Any]]) -> Any:
    def write(file: TextIO) -> None:
        json.dump(rows, file, indent=1)
        file.write("\n")

    return write


def _write_csv(rows: Sequence[dict[str, Any]]) -> Any:
    def write(file: TextIO) -> None:
        table = begin_table(file)
        for row in rows:
            ids = (row["file_name"], row["image_id"], row["category_id"], row["category"])
            write_row(table, ids, row["score"], row["bbox"])

    return write


def begin_table(file: TextIO) -> Any:
    """Write the names of a table's columns; return what write_row takes."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    return table


def write_row(table: Any, ids: Sequence[Any], score: float, box: Sequence[float]) -> None:
    """Write a detection: its file, image id, category id and name; score; x, y, width, height in pixels."""
    table.writerow([*ids, repr(score), *(f"{side:.3f}" for side in box)])
