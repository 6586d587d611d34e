"""Detections out of ``mlperf_log_accuracy.json``, exactly those that were made: the metrics are the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.coco.annotations import Annotations, ImageEntry, read_annotations
from ckssd.errors import InputError
from ckssd.json_file import read_list
from ckssd.loadgen.library import in_file_order
from ckssd.loadgen.logs import ACCURACY, IMAGES_FILE
from ckssd.loadgen.payload import FIELDS, ROW_TYPE, Rows, to_detections
from ckssd.measure.detected import DetectedImages
from ckssd.measure.evaluation import run_metrics


def read_accuracy_log(
    path: Path, images: Sequence[ImageEntry], categories: Iterable[int], only: Collection[int] | None = None
) -> DetectedImages:
    """Read an accuracy log.

    Parameters
    ----------
    images
        By index of the sample: the annotations file's own order. Their sizes have to be known.
    categories
        Ids that a detection may have.
    only
        Indices that count, and the log has to have; None: all.

    Raises
    ------
    InputError
        It is no such log, is cut off, belongs to other images, or has no answer for some of them.
    """
    answers = _answers(path, len(images))
    wanted = [(index, image) for index, image in enumerate(images) if only is None or index in only]
    missing = [image.file_name for index, image in wanted if index not in answers]
    if missing:
        raise InputError(
            "The accuracy log has not every image",
            where=path,
            expected=f"{len(wanted)} images",
            got=f"{len(answers)}; {missing[0]} is missing",
        )
    known = set(categories)
    found = DetectedImages({category: category for category in known})
    # In order of id, as a benchmark runs them: among equal scores, the order counts.
    for index, image in sorted(wanted, key=lambda item: item[1].id):
        _check_categories(answers[index], known, path)
        found.add(image, to_detections(answers[index]))
    return found


def images_of_log(annotations: Annotations, listed: Path | None) -> list[ImageEntry]:
    """The images that a log's indices stand for.

    Parameters
    ----------
    listed
        The ``images.json`` of one of our runs; None: the annotations file's own list, as MLPerf's
        tools have it.

    Raises
    ------
    InputError
        The list is not of these annotations, or nothing says an image's size.
    """
    if listed is None:
        images = in_file_order(annotations, annotations.images)
    else:
        images = _listed(annotations, listed)
    for image in images:
        if not (image.width and image.height):
            raise InputError(
                "The annotations do not say an image's size", where=f"{annotations.path}: {image.file_name}"
            )
    return images


def _listed(annotations: Annotations, path: Path) -> list[ImageEntry]:
    known = {image.id: image for image in annotations.images}
    images = []
    for entry in read_list(path, "images of a log"):
        try:
            image, size = known[entry["id"]], entry["size"] or (0, 0)
            width, height = (int(side) for side in size)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "The list of images is not of these annotations", where=path, got=error
            ) from error
        images.append(dataclasses.replace(image, width=width or image.width, height=height or image.height))
    return images


def _check_categories(rows: Rows, known: set[int], path: Path) -> None:
    strange = set(rows[:, 6].astype(np.int64).tolist()) - known
    if strange:
        raise InputError(
            "The accuracy log has categories that the annotations have not",
            where=path,
            expected=", ".join(map(str, sorted(known)[:5])) + (", …" if len(known) > 5 else ""),
            got=sorted(strange)[0],
        )


def _answers(path: Path, images: int) -> dict[int, Rows]:
    """Index to the first answer: MultiStream asks for some samples twice."""
    found: dict[int, Rows] = {}
    for number, entry in enumerate(_entries(path)):
        try:
            index, data = int(entry["qsl_idx"]), bytes.fromhex(entry["data"])
            rows: Rows = np.frombuffer(data, ROW_TYPE).reshape(-1, FIELDS)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("An entry is none of SSD's", where=f"{path}: [{number}]", got=error) from error
        if not 0 <= index < images or (len(rows) and not (rows[:, 0] == index).all()):
            raise InputError(
                "The accuracy log is of another data set",
                where=f"{path}: [{number}]",
                expected=f"index from 0 to {images - 1}, the same in its rows",
                got=index,
            )
        found.setdefault(index, rows)
    return found


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError("The accuracy log cannot be read", where=path, got=error.strerror) from error
    except ValueError as error:
        raise InputError(
            "The accuracy log is no JSON",
            where=path,
            got=error,
            advice="one of a submission is cut to 10 kB, and has only its hash beside it",
        ) from error
    if not isinstance(content, list):
        raise InputError("The accuracy log is no list", where=path, got=type(content).__name__)
    return content


def indices_in(path: Path) -> set[int]:
    """The samples that a log has an answer for; raises InputError where it is no such log."""
    try:
        return {int(entry["qsl_idx"]) for entry in _entries(path)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("An entry is none of LoadGen's", where=path, got=error) from error


def accuracy_of(
    log: Path,
    annotations: Path,
    python: Path,
    *,
    listed: Path | None = None,
    only: Collection[int] | None = None,
) -> dict[str, Any]:
    """The metrics of a log, ours or anybody's; see ckssd.coco.metrics.evaluate for the keys.

    Parameters
    ----------
    log
        ``mlperf_log_accuracy.json``, or the folder that has it. ``images.json`` beside it says which images.
    python
        That has the COCO tools.
    listed
        Another ``images.json`` than the one beside the log.
    only
        Indices of the samples that count; None: all of the annotations or the list.

    Raises
    ------
    InputError
        The log is not whole, or not of these annotations.
    """
    path = log / ACCURACY if log.is_dir() else log
    listed = listed or path.parent / IMAGES_FILE
    truth = read_annotations(annotations)
    found = read_accuracy_log(
        path, images_of_log(truth, listed if listed.is_file() else None), truth.categories, only
    )
    metrics, _ = run_metrics(python, annotations, found)
    return {**metrics, "detections_sha256": found.sha256()}
