"""``python -m ckssd.cluster --settings FILE --output FILE``: one run over a cluster, in Ray's environment.

The cluster's own settings are variables (``CK_CLUSTER``, …): an address may have secrets, and files last.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ckssd.cluster.driver import run_over, sweep_over
from ckssd.cluster.settings import VARIABLE, from_environment
from ckssd.endings import run_main
from ckssd.errors import UsageError
from ckssd.json_file import read_object, write_json
from ckssd.measure.program import Outputs, finish
from ckssd.measure.record import discard
from ckssd.measure.settings import from_mapping
from ckssd.measure.summary import summary
from ckssd.measure.sweep import grid_from


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 and the result in ``--output``; or an error's code, and its line on stderr."""
    parser = argparse.ArgumentParser(prog="ckssd.cluster", description="One run over a cluster.")
    parser.add_argument(
        "--settings", type=Path, required=True, help="JSON object, fields of BenchmarkSettings"
    )
    parser.add_argument("--python", type=Path, required=True, help="the interpreter that has the runtime")
    parser.add_argument("--output", type=Path, required=True, help="where the result goes, as JSON")
    parser.add_argument("--detections", type=Path, help="where COCO results go")
    parser.add_argument("--image-times", type=Path, help="where each image's times go, as JSON")
    parser.add_argument("--sweep", type=Path, help="sweep thresholds instead: JSON object, fields of Grid")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)
    discard([path for path in (options.output, options.detections, options.image_times) if path is not None])

    def run() -> int:
        cluster = from_environment(os.environ)
        if cluster is None:
            raise UsageError(f"{VARIABLE} is not set")
        settings = from_mapping(read_object(options.settings, "settings"))
        if options.sweep is not None:
            grid = grid_from(read_object(options.sweep, "thresholds"))
            write_json(
                options.output, dataclasses.asdict(sweep_over(cluster, settings, options.python, grid))
            )
            return 0
        done = run_over(cluster, settings, options.python)
        print(summary(done.result, full=settings.full_report), flush=True)
        finish(done.result, Outputs(None, options.detections, options.image_times))
        write_json(options.output, done.as_timer())
        return 0

    return run_main("ckssd benchmark", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())
