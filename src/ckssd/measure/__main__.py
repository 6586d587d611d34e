"""``python -m ckssd.measure --settings FILE --output FILE``: one benchmark run, for ``ckssd benchmark``.

Runs in the environment that has LiteRT. The settings are a JSON object with the fields of BenchmarkSettings.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from ckssd.endings import run_main
from ckssd.json_file import read_object, write_json
from ckssd.measure.opened import check_run
from ckssd.measure.program import Outputs, finish, finish_part
from ckssd.measure.record import discard
from ckssd.measure.run import run_benchmark
from ckssd.measure.settings import BenchmarkSettings, from_mapping
from ckssd.measure.summary import summary
from ckssd.measure.sweep import grid_from, sweep_model


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and the result in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(
        prog="ckssd.measure", description="Run one benchmark from a settings file."
    )
    parser.add_argument(
        "--settings", type=Path, required=True, help="JSON object, fields of BenchmarkSettings"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="where the result goes, as in tmp-ck-timer.json"
    )
    parser.add_argument("--detections", type=Path, help="where COCO results go")
    parser.add_argument("--image-times", type=Path, help="where each image's times go, as JSON")
    parser.add_argument("--check", action="store_true", help="only see whether the run could begin")
    parser.add_argument("--sweep", type=Path, help="sweep thresholds instead: JSON object, fields of Grid")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)
    results = (options.output, options.detections, options.image_times, options.error)
    discard([path for path in results if path is not None])

    def run() -> int:
        settings = from_mapping(read_object(options.settings, "settings"))
        if options.check:
            check_run(settings)
            write_json(options.output, {})
        elif options.sweep:
            _sweep(settings, options.sweep, options.output)
        elif settings.part is not None:
            finish_part(settings, settings.part, options.output)
        else:
            result = run_benchmark(settings)
            print(summary(result, full=settings.full_report), flush=True)
            finish(result, Outputs(options.output, options.detections, options.image_times))
        return 0

    return run_main("ckssd benchmark", run, error_file=options.error)


def _sweep(settings: BenchmarkSettings, grid: Path, output: Path) -> None:
    swept = sweep_model(settings, grid_from(read_object(grid, "thresholds")))
    write_json(output, dataclasses.asdict(swept))


if __name__ == "__main__":
    sys.exit(main())
