"""Find the score threshold to use: precision, recall and F1 at each of many, from one pass of detections.

    ckssd sweep --precision 0.95
    ckssd sweep --model detect.tflite --labels labels.txt --images photos/ --annotations instances.json
    ckssd sweep --score-threshold 0.1:0.9:0.1 --nms-iou 0.3:0.7:0.1 --output sweep.csv
    ckssd sweep --annotations instances.json --detections detections.json --recall 0.9
    ckssd sweep SPEC.toml --dry-run

The model runs once, with the lowest score threshold in place of its own. With --nms-iou, NMS runs with each
IoU on the same outputs (TFLite only: by the graph's own operator, or by this project where it has none).
With --detections nothing runs: a COCO results file is read; --images then is a JSON list of the image ids
that were run.

A detection is right (TP) if it is matched with an object of its image and class by COCO's greedy rule: from
the best score on, each takes the free object with the highest IoU, of at least --iou. Else it is wrong (FP);
one that matches a crowd only is neither. With N objects:
    precision = TP / (TP + FP)    recall = TP / N    F1 = 2 TP / (TP + FP + N)    FP/image = FP / images
"All classes together" are the sums over the classes. Best F1: the highest, of equal ones with the highest
threshold. For a wanted precision: the highest recall among thresholds with at least this precision; for a
wanted recall: the highest precision among those with at least this recall.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ckssd.cli.benchmark import add_run_arguments
from ckssd.cli.cluster import add_cluster_arguments, cluster_variables
from ckssd.cli.outputs import refuse_overwriting_inputs
from ckssd.cli.result import Result
from ckssd.cli.spec_sweep import prepare, run_spec
from ckssd.coco.metrics import read_ids
from ckssd.errors import EnvironmentSetupError, UsageError
from ckssd.json_file import write_json, write_whole
from ckssd.measure.grid import read_grid
from ckssd.measure.spec import DEFAULT_THRESHOLDS
from ckssd.measure.sweep import Grid, Swept, sweep_files
from ckssd.measure.sweep_report import as_data, text, write_table
from ckssd.values import real_number

FORMATS = (".csv", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_run_arguments(parser)
    add_cluster_arguments(parser)
    add = parser.add_argument
    add(
        "spec", nargs="?", type=Path, metavar="SPEC.toml", help="sweep models and settings, as this file says"
    )
    add("--dry-run", action="store_true", help="with SPEC.toml: say what would run, and for how long")
    add("--detections", type=Path, metavar="FILE", help="read these COCO results, and run nothing")
    add(
        "--score-threshold", metavar="GRID", help=f"BEGIN:END:STEP or numbers (default: {DEFAULT_THRESHOLDS})"
    )
    add("--nms-iou", metavar="GRID", help="IoU thresholds of NMS, written so (default: the model's own)")
    add("--iou", default="0.5", help="from which IoU with its object on a box is right (default: 0.5)")
    add("--precision", metavar="P", help="show the threshold for at least this precision")
    add("--recall", metavar="R", help="show the threshold for at least this recall")
    add("--output", type=Path, metavar="FILE", help="write all points there: .csv, or .json")


def run(options: argparse.Namespace) -> Result:
    """Run the model in its runtime's environment, or read detections; find the points to take."""
    if options.spec is not None:
        return run_spec(options)
    if options.dry_run:
        raise UsageError("--dry-run goes with SPEC.toml")
    grid = _grid(options)
    wanted = [_part(f"--{name}", getattr(options, name)) for name in ("precision", "recall")]
    if options.output is not None and options.output.suffix.lower() not in FORMATS:
        raise UsageError(
            "--output has no value that can be used",
            expected=f"a file {' or '.join(FORMATS)}",
            got=options.output,
        )
    read = (options.model, options.labels, options.annotations, options.detections)
    refuse_overwriting_inputs("--output", options.output, read)
    swept = _swept_files(options, grid) if options.detections else _swept_model(options, grid)
    data = as_data(swept, *wanted)
    lines = list(text(swept, *wanted))
    if options.output is not None:
        _write(options.output, swept, data)
        data["output"] = str(options.output)
        lines.append(f"Written: {options.output}")
    return Result("\n".join(lines), data)


def _grid(options: argparse.Namespace) -> Grid:
    asked, ious = options.score_threshold, options.nms_iou
    return Grid(
        read_grid("--score-threshold", DEFAULT_THRESHOLDS if asked is None else asked),
        None if ious is None else read_grid("--nms-iou", ious, above_zero=True),
        real_number(0, 1, above=True)("--iou", options.iou),
        stated=asked is not None,
    )


def _part(name: str, given: str | None) -> float | None:
    if given is None:
        return None
    value: float = real_number(0, 1, above=True)(name, given)
    return value


def _swept_files(options: argparse.Namespace, grid: Grid) -> Swept:
    if options.model is not None or options.nms_iou is not None:
        got = "--model" if options.model is not None else "--nms-iou"
        raise UsageError("--detections are already there: nothing is run", got=got)
    if options.annotations is None:
        raise UsageError("--detections needs --annotations", expected="a COCO instances file")
    image_ids = None if options.images is None else read_ids(options.images)
    return sweep_files(options.annotations, options.detections, grid, image_ids)


def _swept_model(options: argparse.Namespace, grid: Grid) -> Swept:
    over = cluster_variables(options)
    return Swept.from_mapping(prepare(options, over).swept(grid))


def _write(path: Path, swept: Swept, data: dict[str, object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".csv":
            write_whole(path, write_table(swept))
        else:
            write_json(path, data)
    except OSError as error:
        raise EnvironmentSetupError("The points cannot be written", where=path, got=error.strerror) from error
