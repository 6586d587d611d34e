"""``program:object-detection-tflite`` as CK runs it: settings from variables, results to CK's timer file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ckssd.endings import run_main
from ckssd.errors import CkssdError
from ckssd.json_file import write_json, write_whole
from ckssd.measure.record import (
    DETECTIONS_FILE,
    FAILURE_FILE,
    IMAGE_TIMES_FILE,
    TIMER_FILE,
    discard,
)
from ckssd.measure.result import BenchmarkResult
from ckssd.measure.run import run_benchmark
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
    failure = folder / FAILURE_FILE

    def run() -> int:
        discard([timer, detections, image_times, failure])
        settings = from_environment(environment)
        result = run_benchmark(settings)
        finish(settings, result, timer=timer, detections=detections, image_times=image_times)
        return 0

    def on_error(error: CkssdError) -> int:
        failure.write_text(str(error), encoding="utf-8")  # for CK, which asks in a hook of its own
        return failed(error, "FAILED")

    return run_main("FAILED", run, on_error)


def finish(
    settings: BenchmarkSettings,
    result: BenchmarkResult,
    *,
    timer: Path,
    detections: Path | None,
    image_times: Path | None,
) -> None:
    """Print the summary; write the detections, the images' times, and last of all the timer file."""
    print(summary(result, full=settings.full_report), flush=True)
    if detections is not None:
        as_table = detections.suffix.lower() == ".csv"
        write_whole(detections, result.detections.write_table if as_table else result.detections.write)
    if image_times is not None:
        write_json(image_times, result.image_times())
    write_json(timer, result.as_timer())
