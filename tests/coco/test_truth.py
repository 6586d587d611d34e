"""Ground truth is kept by the content's hash, and what is kept never changes what is read."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.coco import truth
from ckssd.coco.truth import WORTH_KEEPING, GroundTruth, read_truth
from ckssd.errors import InputError
from tests.coco.test_annotations import GOOD, written


@pytest.fixture(autouse=True)
def _keep_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(truth, "WORTH_KEEPING", 0)
    monkeypatch.setenv("CKSSD_CACHE", str(tmp_path / "the cache"))


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "the cache").rglob("*"))[1:]


def same(first: GroundTruth, second: GroundTruth) -> bool:
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in fields(GroundTruth)
    )


def test_it_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, GOOD)
    first = read_truth(path)
    assert first.boxes.tolist() == [[1.5, 2, 30, 0], [0, 0, 1, 1]]
    assert first.category_names == ("b", "a")
    monkeypatch.setattr(truth, "parse_instances", lambda *_: pytest.fail("parsed again"))
    assert same(read_truth(path), first)
    assert len(kept(tmp_path)) == 1


def test_another_content_at_the_same_place_is_read_anew(tmp_path: Path) -> None:
    before = read_truth(written(tmp_path, GOOD))
    after = read_truth(written(tmp_path, {**GOOD, "annotations": []}))
    assert (len(before.boxes), after.boxes.shape, after.crowds.shape) == (2, (0, 4), (0,))
    assert len(kept(tmp_path)) == 2


def test_names_come_back_exactly(tmp_path: Path) -> None:
    odd = ["Käse", "", "with a zero\0", "\ud800", "🚲" * 100]
    categories = [{"id": number, "name": name} for number, name in enumerate(odd)]
    content = {**GOOD, "categories": categories, "annotations": []}
    path = written(tmp_path, content)
    assert read_truth(path).category_names == read_truth(path).category_names == tuple(odd)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), change=st.integers(1, 255), cut=st.booleans())
def test_a_kept_file_that_is_damaged_anywhere_is_made_again(
    tmp_path: Path, place: int, change: int, cut: bool
) -> None:
    path = written(tmp_path, GOOD)
    first = read_truth(path)
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[place % len(whole)] ^= change
    file.write_bytes(damaged[: place % len(whole)] if cut else damaged)
    assert same(read_truth(path), first)
    assert file.read_bytes() == whole
    assert kept(tmp_path) == [file]


def test_where_nothing_can_be_written_it_is_parsed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("CKSSD_CACHE", str(tmp_path / "a file"))
    path = written(tmp_path, GOOD)
    assert same(read_truth(path), read_truth(path))


def test_a_full_disk_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert len(read_truth(written(tmp_path, GOOD)).boxes) == 2
    assert kept(tmp_path) == []


@pytest.mark.parametrize(("size", "number"), [(2**20 - 1, 0), (2**20, 1)])
def test_only_files_from_a_megabyte_on_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, number: int
) -> None:
    monkeypatch.setattr(truth, "WORTH_KEEPING", WORTH_KEEPING)
    text = json.dumps(GOOD)
    read_truth(written(tmp_path, text + " " * (size - len(text))))
    assert len(kept(tmp_path)) == number


def test_a_fault_is_not_kept(tmp_path: Path) -> None:
    path = written(tmp_path, {**GOOD, "images": []})
    for _ in range(2):
        with pytest.raises(InputError, match="images"):
            read_truth(path)
    assert not (tmp_path / "the cache").exists()


def _boxes(path: Path) -> list[list[float]]:
    truth.WORTH_KEEPING = 0
    return read_truth(path).boxes.tolist()


def test_many_processes_at_once_read_the_same(tmp_path: Path) -> None:
    many = [{**GOOD["annotations"][0], "id": number} for number in range(2000)]
    path = written(tmp_path, {**GOOD, "annotations": many})
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        results = pool.map(_boxes, [path] * 12)
    assert results == [[[1.5, 2, 30, 0]] * 2000] * 12
    assert [place.suffix for place in kept(tmp_path)] == [".truth"]


def test_it_is_kept_under_the_contents_hash_only(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    read_truth(path)
    copy = tmp_path / "another name.json"
    copy.write_text(json.dumps(GOOD))
    read_truth(copy)
    assert len(kept(tmp_path)) == 1
