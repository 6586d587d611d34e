"""The hash of a run's detections: the same for the same results, another for a bit of any of them."""

from __future__ import annotations

import csv
import hashlib
import io
import resource
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.coco.annotations import ImageEntry
from ckssd.detect.detections import Detections
from ckssd.errors import EnvironmentSetupError
from ckssd.measure.detected import DetectedImages

IMAGES = [ImageEntry(id=number, file_name=f"{number}.jpg", width=640, height=480) for number in (7, 3, 12)]
CATEGORIES = {0: 1, 2: 18}  # class 1 is in no annotation
# Few values, so that scores and whole detections are often equal.
rows = st.tuples(st.integers(0, 2), *[st.sampled_from([0.0, 0.25, 0.5, 1.0])] * 5)
found_in_images = st.lists(st.lists(rows, max_size=6), min_size=3, max_size=3)


def as_detections(found: list[tuple[float, ...]]) -> Detections:
    table = np.array(found, np.float32).reshape(-1, 6)
    return Detections(table[:, 2:], table[:, 0].astype(np.int64), table[:, 1])


def collected(found: list[list[tuple[float, ...]]], order: list[int]) -> DetectedImages:
    images = DetectedImages(CATEGORIES)
    for index in order:
        images.add(IMAGES[index], as_detections(found[index]))
    return images


@given(found_in_images, st.randoms())
def test_the_order_in_which_detections_came_does_not_count(found, random) -> None:
    shuffled = [random.sample(rows, len(rows)) for rows in found]
    assert collected(found, [0, 1, 2]).sha256() == collected(shuffled, [2, 0, 1]).sha256()


@given(found_in_images)
def test_it_is_the_hash_of_the_coco_results_in_order(found) -> None:
    images = collected(found, [0, 1, 2])
    in_order = sorted(images, key=lambda r: (r["image_id"], -r["score"], r["category_id"], r["bbox"]))
    numbers = [(r["image_id"], *r["bbox"], r["score"], r["category_id"]) for r in in_order]
    expected = hashlib.sha256(b"".join(struct.pack("<7d", *row) for row in numbers))
    assert images.sha256() == expected.hexdigest()


@given(found_in_images)
def test_the_table_has_the_same_with_files_and_names(found) -> None:
    images = DetectedImages(CATEGORIES, {0: "circle", 1: "square", 2: "ring"})
    for index, rows_of_image in enumerate(found):
        images.add(IMAGES[index], as_detections(rows_of_image))
    file = io.StringIO()
    images.write_table(file)
    file.seek(0)
    table, results = list(csv.DictReader(file)), list(images)
    assert len(table) == len(results)
    for row, result in zip(table, results, strict=True):
        assert (int(row["image_id"]), float(row["score"])) == (result["image_id"], result["score"])
        assert row["category"] == {1: "circle", 18: "ring"}[result["category_id"]]
        assert row["file"] == f"{row['image_id']}.jpg"
        assert float(row["width"]) == round(result["bbox"][2], 3)


@pytest.mark.parametrize("column", range(6))
def test_one_bit_of_one_number_changes_it(column: int) -> None:
    row = np.array([2, 0.5, 0.125, 0.25, 0.5, 0.75], np.float32)
    other = row.copy()
    other[column] = 0 if column == 0 else np.nextafter(row[column], np.float32(1))
    one, another = (collected([[tuple(values)], [], []], [0]) for values in (row, other))
    assert one.sha256() != another.sha256()


def test_another_image_changes_it() -> None:
    row = (0, 0.5, 0.0, 0.0, 1.0, 1.0)
    assert collected([[row], [], []], [0, 1]).sha256() != collected([[], [row], []], [0, 1]).sha256()


def test_detections_that_cannot_be_written_are_one_clear_error() -> None:
    images = DetectedImages(CATEGORIES)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(EnvironmentSetupError, match=r"Detections cannot be written.*TMPDIR"):
            images.add(IMAGES[0], as_detections([(0, 0.5, 0.0, 0.0, 1.0, 1.0)] * 5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
