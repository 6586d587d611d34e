"""Make one HTML file of a benchmark's result: accuracy, thresholds, errors, speed, settings, in pictures.

    ckssd benchmark --tags=shapes --dataset-tags=shapes --results out/run
    ckssd report out/run -o out/report.html
    ckssd report program/object-detection-tflite/tmp -o report.html
    ckssd report out/run out/another -o out/both.html
    ckssd report --tags=object-detection,accuracy
    ckssd report out/run --json

RUN is a folder with a result: that of `ckssd benchmark --results DIR`, or the `tmp` folder of a CK program.
Several are shown side by side; the first is what the others are compared with. What `ckssd compare --json`
printed is a RUN, too. experiment:NAME is what CK has recorded under this name; --tags takes all experiments
with these tags.
The file needs no network and opens in any browser. With --json the data of the report are printed; without -o
nothing is written then.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.ck.records import PREFIX
from ckssd.ck.reports import recorded_report
from ckssd.cli.chosen import METRICS_TAGS
from ckssd.cli.outputs import refuse_overwriting_inputs
from ckssd.cli.result import Result
from ckssd.errors import UsageError
from ckssd.values import refuse_address
from ckssd.visual.make import Places, Report, make_report
from ckssd.visual.page import page, write_page

DEFAULT_OUTPUT = Path("report.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", nargs="*", help="folder with a benchmark's result")
    add("--tags", metavar="TAGS", help="what CK has recorded with these tags, instead of RUN")
    add("-o", "--output", type=Path, metavar="FILE", help=f"where it goes (default: {DEFAULT_OUTPUT})")
    add("--images", type=Path, metavar="DIR", help="where the pictures are now, if they moved")
    add("--annotations", type=Path, metavar="FILE", help="where the annotations are now, if they moved")


def run(options: argparse.Namespace) -> Result:
    """Analyse, draw, write."""
    for what, given in (*(("RUN", one) for one in options.run), ("--output", options.output)):
        refuse_address(what, given)
    output = options.output or (None if options.json else DEFAULT_OUTPUT)
    read = [file for one in options.run for file in (one.iterdir() if one.is_dir() else [one])]
    refuse_overwriting_inputs("--output", output, [options.annotations, *read])
    report = _report(options)
    if output is None:
        return Result("", report.data)
    place = write_page(output, page(report.data, report.pictures))
    return Result(f"Report: {place}", report.data)


def _report(options: argparse.Namespace) -> Report:
    recorded = [str(one).removeprefix(PREFIX) for one in options.run if str(one).startswith(PREFIX)]
    if bool(options.run) == (options.tags is not None) or len(recorded) > 1:
        raise UsageError(
            "A report is of RUNs, or of what CK has recorded",
            expected=f"RUN..., {PREFIX}NAME, or --tags=TAGS",
        )
    if options.tags is not None:
        return recorded_report(options.tags)
    if recorded:
        if len(options.run) > 1:
            raise UsageError("A recorded experiment is shown by itself", got=", ".join(map(str, options.run)))
        return recorded_report(name=recorded[0])
    return make_report(options.run, metric_tools, Places(options.images, options.annotations))


def metric_tools() -> Path:
    """The interpreter that has the COCO tools; raises NotInstalledError."""
    return Path(the_environment(METRICS_TAGS).variables["CK_ENV_TOOL_COCO_PYTHON_FILE"])
