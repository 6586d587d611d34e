"""``program:object-detection-tflite`` as CK runs it: settings from variables, results to CK's timer file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.endings import run_main
from ckssd.errors import CkssdError
from ckssd.json_file import write_json, write_whole
from ckssd.measure.parts import as_timer, part_of, summary_of, write_part
from ckssd.measure.record import (
    DATA_SET_FILE,
    DETECTIONS_FILE,
    FAILURE_FILE,
    IMAGE_TIMES_FILE,
    REPORT_FILE,
    TIMER_FILE,
    discard,
)
from ckssd.measure.result import BenchmarkResult
from ckssd.measure.run import detect_data_set, run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_environment
from ckssd.measure.summary import summary
from ckssd.report import failed


def main(environment: Mapping[str, str], folder: Path | None = None) -> int:
    """Run the benchmark that the variables describe; ``folder`` is CK's temporary one (default: the current).

    Returns the exit code. A failed run prints one line and leaves neither a timer file nor detections, not
    even those of an earlier run: CK would record them.
    """
    folder = folder or Path.cwd()
    timer = folder / (environment.get("CK_TIMER_FILE") or TIMER_FILE)
    detections, image_times = folder / DETECTIONS_FILE, folder / IMAGE_TIMES_FILE
    data_set = folder / DATA_SET_FILE
    failure = folder / FAILURE_FILE

    def run() -> int:
        discard([timer, detections, image_times, data_set, failure, folder / REPORT_FILE])
        settings = from_environment(environment)
        if settings.part is not None:
            finish_part(settings, settings.part, timer)
            return 0
        result = run_benchmark(settings)
        write_json(data_set, {"images": str(settings.images), "annotations": str(settings.annotations)})
        outputs = Outputs(timer, detections, image_times)
        print(summary(result, full=settings.full_report), flush=True)
        finish(result, outputs)
        return 0

    def on_error(error: CkssdError) -> int:
        failure.write_text(str(error), encoding="utf-8")  # for CK, which asks in a hook of its own
        return failed(error, "FAILED")

    return run_main("FAILED", run, on_error)


def keep_result(folder: Path, settings: BenchmarkSettings, record: Mapping[str, Any]) -> None:
    """Write what a report needs beside detections and times: where the data set is, then the record."""
    write_places(folder, images=settings.images, annotations=settings.annotations)
    write_json(folder / TIMER_FILE, record)


def write_places(folder: Path, *, images: Path | None, annotations: Path) -> None:
    """Write where the data set is; ``images`` None: nobody knows, and a report has no pictures."""
    places = {"images": images, "annotations": annotations}
    known = {name: str(place.absolute()) for name, place in places.items() if place is not None}
    write_json(folder / DATA_SET_FILE, known)


@dataclass(frozen=True)
class Outputs:
    """Where a run's results go: the timer file, COCO results or CSV, each image's times."""

    timer: Path | None = None
    detections: Path | None = None
    image_times: Path | None = None


def finish(result: BenchmarkResult, outputs: Outputs) -> None:
    """Write the detections, the images' times, and last of all the timer file."""
    if outputs.detections is not None:
        as_table = outputs.detections.suffix.lower() == ".csv"
        found = result.detections
        write_whole(outputs.detections, found.write_table if as_table else found.write)
    if outputs.image_times is not None:
        write_json(outputs.image_times, result.image_times())
    if outputs.timer is not None:
        write_json(outputs.timer, result.as_timer())


def finish_part(settings: BenchmarkSettings, path: Path, timer: Path) -> None:
    """Run a part and write it to ``path``, where nothing stands meanwhile; then the timer file."""
    discard([path])
    part = part_of(settings, detect_data_set(settings))
    write_part(path, part)
    print(summary_of(part, path), flush=True)
    write_json(timer, as_timer(part, path))
