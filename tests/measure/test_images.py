"""Images go through a run in their order, in bounded numbers, and none that cannot be read goes unseen."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ckssd.coco.annotations import ImageEntry, read_annotations
from ckssd.detect import images as decoding
from ckssd.detect.detections import Detections
from ckssd.detect.network_input import NetworkInput, Tensor
from ckssd.detect.preprocessed import ImageReader
from ckssd.errors import InputError, RunError
from ckssd.measure.images import Detected, Steps, way_to_run
from ckssd.measure.run import detect_data_set, run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.measure.summary import summary
from tests.measure.conftest import IMAGES, Bench

NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))


@pytest.fixture
def settings(bench: Bench) -> BenchmarkSettings:
    return from_environment(bench.environment)


@pytest.fixture
def steps(bench: Bench) -> Steps:
    annotations = read_annotations(bench.annotations)
    return Steps(bench.images, annotations, ImageReader(8, 8, "pillow"), NetworkInput(8, 8), Path("x.tflite"))


class Watched:
    """A detector that notes which threads use it, and whether two do so at once."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.calls = 0
        self.overlaps = 0
        self._busy = threading.Lock()

    def detect(self, image: Tensor) -> Detections:
        self.overlaps += not self._busy.acquire(blocking=False)
        self.calls += 1
        time.sleep(self.pause)
        self._busy.release()
        return NOTHING


def test_results_come_in_order_though_the_first_detector_is_slow(steps: Steps) -> None:
    made: list[Watched] = []

    def new_detector(threads: int) -> Watched:
        assert threads == 1
        made.append(Watched(pause=0.05 if not made else 0.0))
        return made[-1]

    images = list(steps.annotations.images)
    outcomes = list(way_to_run("throughput", 3, new_detector)(steps, images))
    assert [outcome.image for outcome in outcomes] == images
    assert len(made) == 3
    assert sum(detector.calls for detector in made) == IMAGES
    assert all(detector.calls and not detector.overlaps for detector in made)


def test_images_are_taken_only_as_results_are_read(steps: Steps) -> None:
    taken = 0

    def endless() -> Iterator[ImageEntry]:
        nonlocal taken
        while True:
            taken += 1
            yield steps.annotations.images[0]

    outcomes = way_to_run("throughput", 2, lambda threads: Watched())(steps, endless())
    for number in range(1, 50):
        next(outcomes)
        assert taken <= number + 8
    outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("detector")]


def test_latency_has_one_detector_with_all_threads(steps: Steps) -> None:
    given: list[int] = []
    way = way_to_run("latency", 3, lambda threads: given.append(threads) or Watched())
    (outcome,) = way(steps, steps.annotations.images[:1])
    assert given == [3]
    assert isinstance(outcome, Detected)
    assert outcome.load > 0


def test_a_detector_that_fails_ends_the_run(steps: Steps) -> None:
    class Failing:
        def detect(self, image: Tensor) -> Detections:
            raise RuntimeError("out of order")

    with pytest.raises(RunError, match=r"^The runtime fails: x\.tflite with b7\.png \(got out of order\)"):
        list(way_to_run("throughput", 2, lambda threads: Failing())(steps, steps.annotations.images))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("detector")]


@pytest.mark.parametrize("mode", ["latency", "throughput"])
def test_unreadable_images_are_all_reported_and_fail_the_run(
    bench: Bench, settings: BenchmarkSettings, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench.images / "b6.png").write_bytes(b"no image")
    cut = bench.images / "b1.png"
    cut.write_bytes(cut.read_bytes()[:-12])
    with pytest.raises(
        InputError,
        match=r"^2 of 8 images cannot be read: [^()]*b6\.png \(no known image format\), "
        r"[^()]*b1\.png \(truncated PNG file\); replace them",
    ):
        detect_data_set(replace(settings, mode=mode))
    said = capsys.readouterr().err
    assert "The file is no image that can be read" in said
    assert "The image cannot be decoded" in said


@pytest.mark.parametrize("mode", ["latency", "throughput"])
def test_unreadable_images_are_left_out_when_asked_for(
    bench: Bench, settings: BenchmarkSettings, mode: str
) -> None:
    whole = detect_data_set(settings)
    (bench.images / "b6.png").write_bytes(b"no image")
    result = run_benchmark(replace(settings, mode=mode, skip_bad_images=True))
    assert list(result.detections) == [one for one in whole.detections if one["image_id"] != 94]
    assert result.metrics["images"] == result.settings.images == IMAGES - 1
    assert result.settings.images_unreadable == 1
    assert "Images: 7 of 8 in order of id, 0 skipped, 1 unreadable\n" in summary(result)
    (note,) = result.notes
    assert note == "1 of 8 images cannot be read and were left out (CK_SKIP_BAD_IMAGES=yes)"
    assert note in summary(result)


def test_a_run_without_any_readable_image_fails_even_then(bench: Bench, settings: BenchmarkSettings) -> None:
    for path in bench.images.iterdir():
        path.write_bytes(b"no image")
    three = r"([^()]*b\d\.png \(no known image format\), ){3}…; replace"
    with pytest.raises(InputError, match=f"^8 of 8 images cannot be read: {three}"):
        detect_data_set(replace(settings, skip_bad_images=True))


def test_kept_images_change_nothing_and_the_summary_counts_them(
    bench: Bench, settings: BenchmarkSettings, tmp_path: Path
) -> None:
    plain = detect_data_set(settings)
    keeping = replace(settings, preprocessed_cache=tmp_path / "kept")
    first, second = run_benchmark(keeping), run_benchmark(keeping)
    assert list(first.detections) == list(second.detections) == list(plain.detections)
    assert f"preprocessed cache: 0 of 8 images from {tmp_path / 'kept'}" in summary(first)
    assert f"preprocessed cache: 8 of 8 images from {tmp_path / 'kept'}" in summary(second)
    for entry in (tmp_path / "kept").rglob("*.pixels"):
        entry.write_bytes(entry.read_bytes()[:-100] + bytes(100))
    third = run_benchmark(keeping)
    assert list(third.detections) == list(plain.detections)
    assert "preprocessed cache: 0 of 8 images" in summary(third)


def test_images_that_cannot_be_kept_are_counted_with_the_reason(
    settings: BenchmarkSettings, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    result = run_benchmark(replace(settings, preprocessed_cache=tmp_path / "kept"))
    note = "Note: 8 resized images could not be kept for the next run (Not a directory)"
    assert note in summary(result)


def test_a_decoder_that_does_not_tell_damage_is_noted(
    settings: BenchmarkSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not detect_data_set(settings).notes
    monkeypatch.setattr(decoding, "_simplejpeg", lambda: None)
    (note,) = detect_data_set(settings).notes
    assert note.startswith("JPEGs with damaged data were not looked for")


def test_detections_are_written_as_coco_results(settings: BenchmarkSettings, tmp_path: Path) -> None:
    found = detect_data_set(settings).detections
    path = tmp_path / "detections.json"
    with path.open("w") as file:
        found.write(file)
    assert json.loads(path.read_text()) == list(found)
    assert len(found) == len(list(found)) > 0
    empty = detect_data_set(replace(settings, batch_count=1)).detections
    empty._category_ids.clear()
    with path.open("w") as file:
        empty.write(file)
    assert json.loads(path.read_text()) == []
