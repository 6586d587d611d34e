"""The demo's tables, and what it does where the photographs cannot be had."""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path

import pytest

from ckssd.cli import demo
from ckssd.cli.demo import Checkout, as_run, table
from ckssd.cli.demo_photos import Photographs, photographs
from ckssd.cli.result import Result
from ckssd.errors import RunError


def test_a_run_is_a_row_under_its_headings() -> None:
    timer = {
        "mAP": 0.61234,
        "recall": 0.71234,
        "metrics": {},
        "run_time_state": {"images_per_second": 312.34, "prediction_time_avg_s": 0.0064},
        "settings": {"runtime": "tflite", "precision": "int8", "images": 250, "threads": 2},
        "notes": [],
    }
    heading, row = table([as_run("fast", timer)]).splitlines()
    assert heading.split() == [
        "runtime",
        "precision",
        "NMS",
        "images",
        "mAP",
        "Recall",
        "images/s",
        "threads",
    ]
    assert row.split() == ["tflite", "int8", "fast", "250", "0.6123", "0.7123", "312.3", "2"]
    assert [len(heading), heading.index("images/s") + len("images/s")] == [len(row), row.index("312.3") + 5]


def test_demos_of_one_checkout_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running, most = 0, []

    def busy(_: Checkout) -> Result:
        nonlocal running
        running += 1
        most.append(running)
        time.sleep(0.2)
        running -= 1
        return Result("", {})

    monkeypatch.setattr(demo, "find_checkout", lambda: Checkout(tmp_path, {}))
    monkeypatch.setattr(demo, "_run", busy)
    both = [threading.Thread(target=demo.run, args=(argparse.Namespace(),)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert most == [1, 1]
    assert "busy with the demo of this checkout" in capsys.readouterr().err


class Failing:
    """Commands of which one fails."""

    def __init__(self, root: Path, fails: str) -> None:
        self.pictures, self.fails = root, fails

    def ck(self, *words: str) -> None:
        if self.fails in words:
            raise RunError("A command of the demo failed", where=f"ck {' '.join(words)}", got="exit code 7")

    def ckssd(self, *words: str) -> str:
        if words[0] == "info":
            variables = {"CK_ENV_DATASET_IMAGE_DIR": "images"}
            installed = [{"version": "1.0"}, {"version": "1.10", "variables": variables}, {"version": "1.9"}]
            return json.dumps({"data": {"installed": installed}})
        return '{"data": {"images": []}}'


def test_a_machine_without_the_photographs_says_so_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Failing(tmp_path, "--tags=model,tflite,ssdlite,coco,tfjs")
    assert photographs(commands, lambda *_: {}) is None
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("The photographs are left out here: A command of the demo failed: ck install")
    assert "exit code 7" in last


def test_a_machine_without_the_quantiser_shows_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Failing(tmp_path, "--tags=model,openvino,ssdlite-int8,coco-int8,tfjs-int8")
    shown = photographs(commands, lambda runtime, *_: {"runtime": runtime})
    assert shown == Photographs([], [{"runtime": "tflite"}, {"runtime": "openvino"}])
    assert "Int8 is left out here: A command of the demo failed" in capsys.readouterr().err


def test_the_best_of_a_picture_stand_beside_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    detections = [{"name": name, "score": score} for name, score in (("cat", 0.94), ("cup", 0.613))]
    images = [{"file": "a/cat.png", "detections": detections}, {"file": "b/no.jpeg", "detections": []}]
    assert Photographs(images, []).lines(tmp_path / "demo") == [
        "cat.png  cat 0.94, cup 0.61",
        "no.jpeg  nothing",
        "Drawn: demo/",
    ]
