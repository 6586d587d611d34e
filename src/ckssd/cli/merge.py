"""Make one result of the parts that `ckssd benchmark --shard K/N --part FILE` wrote.

    ckssd benchmark --shard 1/2 --part 1.part
    ckssd benchmark --shard 2/2 --part 2.part
    ckssd merge 1.part 2.part
    ckssd merge 1.part 2.part --results merged --images photos/      # then: ckssd report merged

The parts may have run anywhere, in any order, by any batch queue. Detections, their hash, mAP and Recall are
those of one run over all images. Refused are parts of different runs (another model, data set, setting or
version), missing ones and such as are there twice. Times are sums, as if one part had run after another.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ckssd.ck.environments import the_environment
from ckssd.cli.chosen import METRICS_TAGS
from ckssd.cli.kept import begin_results
from ckssd.cli.outputs import refuse_overwriting_inputs
from ckssd.cli.result import Result
from ckssd.detect.results_file import check_format
from ckssd.errors import UsageError
from ckssd.measure.merging import Places, merge, score_merged
from ckssd.measure.parts import read_part
from ckssd.measure.program import Outputs, finish, write_places
from ckssd.measure.record import TIMER_FILE
from ckssd.measure.summary import summary

METRICS_PYTHON = "CK_ENV_TOOL_COCO_PYTHON_FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("parts", nargs="+", type=Path, metavar="PART", help="all parts of a run")
    add("--annotations", type=Path, metavar="FILE", help="where they are now (default: where the parts ran)")
    add("--hierarchy", type=Path, metavar="FILE", help="the same for classes and those above them")
    add(
        "--detections",
        "--output",
        type=Path,
        metavar="FILE",
        help="write the detections there: .csv, or JSON",
    )
    add("--image-times", type=Path, metavar="FILE", help="write each image's times there, as JSON")
    add("--results", type=Path, metavar="DIR", help="write all of the result there, for ckssd report")
    add("--images", type=Path, metavar="DIR", help="with --results: where the pictures are, to show them")


def run(options: argparse.Namespace) -> Result:
    """Read the parts, see that they are one run, compute its metrics in the environment of the tools."""
    read = (*options.parts, options.annotations, options.hierarchy)
    outputs = _outputs(options, read)
    python = Path(the_environment(METRICS_TAGS).variables[METRICS_PYTHON])
    parts = [read_part(path) for path in options.parts]
    merged = merge(parts, options.parts)
    result = score_merged(merged, python, Places(options.annotations, options.hierarchy))
    if options.results is not None:
        annotations = options.annotations or Path(merged.asked.annotations)
        write_places(options.results, images=options.images, annotations=annotations)
    finish(result, outputs)
    return Result(summary(result, full=merged.asked.full_report).strip(), result.as_timer())


def _outputs(options: argparse.Namespace, read: Sequence[Path | None]) -> Outputs:
    """Where the result goes; nothing of an earlier one is left in the folder of --results."""
    if options.results is not None:
        files = begin_results(options, read)
        return Outputs(files[TIMER_FILE], options.detections, options.image_times)
    if options.images is not None:
        raise UsageError("--images are for --results", got=options.images, advice="add --results DIR")
    if options.detections is not None:
        check_format(options.detections)
    for flag, output in (("--output", options.detections), ("--image-times", options.image_times)):
        refuse_overwriting_inputs(flag, output, read)
    return Outputs(None, options.detections, options.image_times)
