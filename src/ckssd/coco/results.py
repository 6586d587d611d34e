"""Detections of a data set: COCO's results (a list of dicts), or an array, which is read 100 times faster.

The array is float64 [N, 7]: image id, x, y, width, height, score, category id; boxes in pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.instances import LARGEST_ID
from ckssd.coco.written import number, of
from ckssd.errors import InputError
from ckssd.json_file import read_list

Rows = npt.NDArray[np.float64]
COLUMNS = 7
IDS = (0, 6)  # columns that hold whole numbers


def read_results(path: Path) -> Rows:
    """Read a COCO results file, or a NumPy file (``.npy``) with the array.

    Raises
    ------
    InputError
        If the file cannot be read or is not what it should be; it names the detection that is wrong.
    """
    if path.suffix == ".npy":
        return _read_array(path)
    return rows_of(read_list(path, "detections"))


def rows_of(results: Sequence[dict[str, Any]]) -> Rows:
    """COCO results as rows.

    Raises
    ------
    InputError
        If one lacks a key, or has a value that is not what COCO has there.
    """
    rows = np.empty((len(results), COLUMNS), np.float64)
    for index, result in enumerate(results):
        try:
            rows[index] = [_number(value) for value in _values(result)]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _fault(index, _shown(result)) from error
    _check(rows)
    return rows


def notes_on(path: Path) -> list[str]:
    """What was assumed in reading a results file that ``read_results`` takes."""
    if path.suffix == ".npy":
        return []
    texts = sum(
        any(isinstance(value, str) for value in _values(result)) for result in read_list(path, "detections")
    )
    return [f"{of(texts, 'detection')} with numbers written as text: read as numbers"] if texts else []


def _values(result: dict[str, Any]) -> tuple[Any, ...]:
    """The values of a row, in its order."""
    x, y, width, height = result["bbox"]
    return result["image_id"], x, y, width, height, result["score"], result["category_id"]


def _number(value: Any) -> float:
    read = number(value)
    if isinstance(read, bool) or not isinstance(read, (int, float, np.number)):
        raise TypeError(f"no number: {type(value).__name__}")
    return float(read)


def _shown(result: Any) -> str:
    try:
        return json.dumps(result, default=str)[:80]
    except (RecursionError, ValueError):
        return type(result).__name__


def results_of(rows: Rows) -> Iterator[dict[str, Any]]:
    """Rows as COCO results."""
    for image, *box, score, category in rows.tolist():
        yield {"image_id": int(image), "category_id": int(category), "bbox": box, "score": score}


def check_images(rows: Rows, image_ids: Sequence[int]) -> None:
    """Raise an InputError for the first detection of an image that was not run."""
    strangers = np.flatnonzero(~np.isin(rows[:, 0], np.array(image_ids, np.float64)))
    if len(strangers):
        raise InputError(
            "The detections do not fit the images",
            where=f"detections[{strangers[0]}].image_id",
            expected="the id of an image that was run",
            got=int(rows[strangers[0], 0]),
        )


def _read_array(path: Path) -> Rows:
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError("The detections cannot be read", where=path, got=str(error)) from error
    if not isinstance(rows, np.ndarray) or rows.shape[1:] != (COLUMNS,) or rows.dtype != np.float64:
        got = f"{rows.dtype} {list(rows.shape)}" if isinstance(rows, np.ndarray) else "an archive"
        raise InputError(
            "The detections are no such array", where=path, expected=f"float64 [N, {COLUMNS}]", got=got
        )
    _check(rows)
    return rows


def _check(rows: Rows) -> None:
    ids = rows[:, IDS]
    right = np.isfinite(rows).all(axis=1) & (ids == np.rint(ids)).all(axis=1)
    right &= (np.abs(ids) <= LARGEST_ID).all(axis=1)
    if not right.all():
        index = int(np.argmin(right))
        raise _fault(index, str(rows[index].tolist()))


def _fault(index: int, got: str) -> InputError:
    return InputError(
        "A detection breaks COCO's format",
        where=f"detections[{index}]",
        expected="image_id, category_id, bbox [x, y, width, height] and score, finite numbers",
        got=got,
    )
