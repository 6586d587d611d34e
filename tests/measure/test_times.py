"""What each of a run's times covers: with a clock of the test's, or between two readings of the real one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ckssd.coco.annotations import read_annotations
from ckssd.detect.detections import Detections
from ckssd.detect.network_input import NetworkInput, Tensor
from ckssd.detect.preprocessed import ImageReader, Preprocessed
from ckssd.measure import images
from ckssd.measure.images import Detected, Steps, way_to_run
from ckssd.measure.machine import seconds_since_start
from ckssd.measure.run import detect_data_set
from ckssd.measure.settings import from_environment
from tests.measure.conftest import IMAGES, Bench

NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))


@pytest.fixture
def steps(bench: Bench) -> Steps:
    annotations = read_annotations(bench.annotations)
    return Steps(bench.images, annotations, ImageReader(8, 8, "pillow"), NetworkInput(8, 8), Path("x.tflite"))


@dataclass
class Clock:
    """Seconds that pass only when somebody says so."""

    now: float = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize("mode", ["latency", "throughput"])
def test_loading_is_reading_and_feeding_and_detection_is_what_follows(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    clock = Clock()
    monkeypatch.setattr(images, "time", clock)
    read, feed = steps.reader.read, steps.network.feed

    def slow_read(path: Path) -> Preprocessed:
        clock.now += 4.0
        return read(path)

    def slow_feed(pixels: Tensor) -> Tensor:
        clock.now += 2.0
        return feed(pixels)

    def slow_detect(image: Tensor) -> Detections:
        clock.now += 0.5
        return NOTHING

    network = SimpleNamespace(feed=slow_feed, width=8, in_picture=lambda found, *size: found)
    slow = replace(steps, reader=SimpleNamespace(read=slow_read), network=network)
    way = way_to_run(mode, 1, lambda threads: SimpleNamespace(detect=slow_detect))
    outcomes = list(way(slow, steps.annotations.images))
    assert len(outcomes) == IMAGES
    for outcome in outcomes:
        assert isinstance(outcome, Detected)
        assert (outcome.load, outcome.detect) == (6.0, 0.5)


def test_a_run_s_times_lie_within_it(bench: Bench) -> None:
    settings = from_environment(bench.environment)
    before, began = seconds_since_start(), time.perf_counter()
    times = detect_data_set(settings).times
    after, took = seconds_since_start(), time.perf_counter() - began
    assert before <= times.startup <= after
    assert 0 < times.wall < took
    assert 0 < times.setup < took
    assert 0 < times.processor < took * len(os.sched_getaffinity(0))
    assert sum(times.load) + sum(times.detect) <= times.wall * settings.threads


def test_start_up_is_counted_from_the_process_s_creation() -> None:
    code = "from ckssd.measure.machine import seconds_since_start as s; print(s())"
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    seconds = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert 0 < seconds <= time.clock_gettime(time.CLOCK_BOOTTIME) - began + tick


def test_a_slow_image_does_not_keep_the_other_detectors_waiting(steps: Steps) -> None:
    others = threading.Semaphore(0)
    waited: list[bool] = []

    class First:
        def detect(self, image: Tensor) -> Detections:
            if not waited:
                waited.append(all(others.acquire(timeout=5) for _ in range(IMAGES - 1)))
            return NOTHING

    class Other:
        def detect(self, image: Tensor) -> Detections:
            others.release()
            return NOTHING

    made = iter([First(), Other()])
    list(way_to_run("throughput", 2, lambda threads: next(made))(steps, steps.annotations.images))
    assert waited == [True]


def test_images_that_wait_are_not_run_when_the_run_is_given_up(steps: Steps) -> None:
    calls = 0

    def detect(image: Tensor) -> Detections:
        nonlocal calls
        calls += 1
        time.sleep(0.0 if calls == 1 else 0.2)
        return NOTHING

    outcomes = way_to_run("throughput", 1, lambda threads: SimpleNamespace(detect=detect))(
        steps, steps.annotations.images
    )
    next(outcomes)
    outcomes.close()  # while the second image is run, and two more wait
    assert calls <= 3
