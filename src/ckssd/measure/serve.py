"""``python -m ckssd.measure.serve --settings FILE``: opens a model once, then runs parts when asked for.

A line on standard input is a JSON object: ``shard`` (``3/40``), ``images`` (the folder), ``output``. On
standard output comes a line ``{"image": NAME}`` before each image, and at the end ``{"done": true}`` or
``{"error": …}``, see CkssdError.as_dict. So whoever asks knows with which image this process died.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from ckssd.coco.annotations import ImageEntry
from ckssd.detect.backends import Detector
from ckssd.errors import CkssdError
from ckssd.json_file import read_object
from ckssd.measure.description import describe_detected, of_other_images
from ckssd.measure.images import Outcome, Steps
from ckssd.measure.opened import open_model
from ckssd.measure.parts import part_of, write_part
from ckssd.measure.result import RunSettings
from ckssd.measure.run import detect_opened
from ckssd.measure.settings import from_mapping
from ckssd.measure.shards import shard
from ckssd.measure.sweep import for_grid, grid_from


class Session:
    """A model, opened once; every run of a part goes through the same detector."""

    def __init__(self, settings: Path, grid: Path | None, answers: TextIO) -> None:
        self._settings = from_mapping(read_object(settings, "settings"))
        self._opened = open_model(self._settings)
        self._own = None
        if grid is not None:
            self._own = self._opened.backend.postprocessing
            backend = for_grid(self._opened.backend, grid_from(read_object(grid, "thresholds")))[2]
            self._opened = dataclasses.replace(self._opened, backend=backend)
        self._detector: Detector = self._opened.backend.new_detector(1)
        self._run: RunSettings | None = None
        self._answers = answers
        self._parent = os.getppid()

    def part(self, request: dict[str, Any]) -> None:
        """Run what a line asks for, and write it; raises as ckssd.measure.run.run_benchmark does."""
        settings = dataclasses.replace(self._settings, images=Path(request["images"]))
        opened = self._opened.taking(shard("shard", request["shard"]), settings.images)
        found = detect_opened(settings, opened, way=self._one_at_a_time)
        # Hashing the model and the annotations takes as long as some images: once is enough.
        known = self._run
        self._run = described = (
            describe_detected(settings, found) if known is None else of_other_images(known, settings, found)
        )
        self._opened = dataclasses.replace(self._opened, open_time=0.0)
        write_part(Path(request["output"]), part_of(settings, found, described, self._own))

    def _one_at_a_time(self, steps: Steps, images: Iterable[ImageEntry]) -> Iterator[Outcome]:
        for image in images:
            if os.getppid() != self._parent:  # nobody waits for the answer any more
                raise SystemExit(1)
            answer(self._answers, {"image": image.file_name})
            yield steps.run(image, self._detector)


def answer(answers: TextIO, content: dict[str, Any]) -> None:
    """Write a line to whoever asked."""
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(
        prog="ckssd.measure.serve", description="Run parts as they are asked for."
    )
    parser.add_argument(
        "--settings", type=Path, required=True, help="JSON object, fields of BenchmarkSettings"
    )
    parser.add_argument("--sweep", type=Path, help="the pass of a sweep: JSON object, fields of Grid")
    options = parser.parse_args(arguments)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what runtimes print is no answer
    try:
        session = Session(options.settings, options.sweep, answers)
    except CkssdError as error:
        answer(answers, {"error": error.as_dict()})
        return error.exit_code
    answer(answers, {"ready": True})
    for line in sys.stdin:
        try:
            session.part(json.loads(line))
        except CkssdError as error:
            answer(answers, {"error": error.as_dict()})
        else:
            answer(answers, {"done": True})
    return 0


if __name__ == "__main__":
    sys.exit(main())
