"""Detections as COCO's list and as an array are the same; what is malformed is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckssd.coco.results import notes_on, read_results, results_of, rows_of
from ckssd.errors import InputError

GOOD = {"image_id": 7, "category_id": 90, "bbox": [1.5, 2, 30, 40.25], "score": 0.1}
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
ids = st.integers(-(2**53), 2**53)
results = st.fixed_dictionaries(
    {
        "image_id": ids,
        "category_id": ids,
        "bbox": st.lists(numbers, min_size=4, max_size=4),
        "score": numbers,
    }
)


@given(st.lists(results, max_size=5))
def test_rows_come_back_as_the_same_results(found: list[dict[str, Any]]) -> None:
    assert list(results_of(rows_of(found))) == found


def test_a_file_of_either_kind_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text(json.dumps([GOOD, {**GOOD, "image_id": 8}]))
    rows = read_results(tmp_path / "found.json")
    np.save(tmp_path / "found.npy", rows)
    np.testing.assert_array_equal(read_results(tmp_path / "found.npy"), rows)
    assert rows[0].tolist() == [7, 1.5, 2, 30, 40.25, 0.1, 90]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bbox": [1, 2, 3]},
        {"bbox": None},
        {"bbox": [1, 2, 3, float("nan")]},
        {"score": "high"},
        {"score": float("inf")},
        {"image_id": 1.5},
        {"category_id": 2**60},
        {"category_id": None},
    ],
)
def test_a_detection_that_is_malformed_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"breaks COCO's format: detections\[1\]"):
        rows_of([GOOD, {**GOOD, **wrong}])


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(InputError, match=r"detections\[0\]"):
        rows_of([{name: value for name, value in GOOD.items() if name != key}])


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 6)), np.zeros(7), np.zeros((2, 7), np.float32), np.zeros((1, 7, 1)), np.full((1, 7), 0.5)],
)
def test_another_array_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "found.npy", array)
    with pytest.raises(InputError, match=r"no such array|breaks COCO's format"):
        read_results(tmp_path / "found.npy")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"[1, 2]"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "found.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read: .*found\.npy"):
        read_results(tmp_path / "found.npy")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "found.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        read_results(tmp_path / "found.npy")


def test_numbers_as_text_are_read_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text(json.dumps([GOOD, {**GOOD, "image_id": "7", "bbox": ["1.5", "2", "30", "40.25"]}]))
    rows = read_results(path)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert notes_on(path) == ["1 detection with numbers written as text: read as numbers"]


@pytest.mark.parametrize(
    "wrong", [{"image_id": "1_0"}, {"image_id": True}, {"score": "nan"}, {"score": None}]
)
def test_what_is_no_number_is_no_number_as_text_either(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"breaks COCO's format: detections\[0\]"):
        rows_of([{**GOOD, **wrong}])
