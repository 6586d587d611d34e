"""COCO's detection metrics, by hotcoco, faster-coco-eval or pycocotools: the twelve numbers, and AP by class.

Pascal VOC's and Open Images' are in ckssd.coco.at_half; ``evaluate`` gives all in one form.

Runs as ``python -m ckssd.coco.metrics`` in the environment that has these tools: files in, JSON out.
It imports nothing but them, numpy and this package.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.coco.at_half import evaluate_at_half, notes_on_metric
from ckssd.coco.columns import evaluate_columns
from ckssd.coco.evaluators import Evaluation, Numbers, Tool, check_known, evaluate_in_parts, evaluate_whole
from ckssd.coco.metric_types import COCO, DEFAULT_EXPAND, EXPANSIONS, TITLES, MetricChoice, check_objects
from ckssd.coco.results import Rows, check_images, notes_on, read_results, rows_of
from ckssd.coco.truth import GroundTruth, read_truth
from ckssd.coco.written import whole_number
from ckssd.endings import run_main
from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.json_file import read_list
from ckssd.memory import peak_memory_mb

TOOLS = ("hotcoco", "faster-coco-eval", "pycocotools")
DEFAULT_TOOL, EQUAL_TOOL = TOOLS[:2]

# COCOeval.stats in its own order; the names are those of https://cocodataset.org/#detection-eval
STATS = (
    *("AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge"),
    *("AR1", "AR10", "AR100", "ARsmall", "ARmedium", "ARlarge"),
)

# Where COCOeval keeps area ranges and limits of detections for each image.
ALL, SMALL, MEDIUM, LARGE = range(4)
ONE, TEN, HUNDRED = range(3)


def evaluate(
    annotations: Path,
    detections: Sequence[dict[str, Any]] | Numbers,
    image_ids: Sequence[int],
    tool: str = DEFAULT_TOOL,
    choice: MetricChoice | None = None,
) -> dict[str, Any]:
    """Metrics of boxes on some of a data set's images.

    Parameters
    ----------
    annotations
        An instances file.
    detections
        COCO results: ``image_id``, ``category_id``, ``bbox`` [x, y, width, height] in pixels, ``score``;
        or the same as an array, see ckssd.coco.results.
    image_ids
        The images that were run; the others do not count.
    tool
        One of ``TOOLS``, for COCO's metrics.
    choice
        Which metrics; default: COCO's.

    Returns
    -------
    dict
        ``mAP`` (AP at IoU 0.5 to 0.95), ``recall`` (AR with 100 detections), ``metrics`` (the twelve),
        ``per_class`` (category name to AP, None where there is nothing to find), ``tool``, ``tool_version``,
        ``images``, ``detections``, ``notes`` (on the annotations, then ``metric_notes``). A number that is
        not defined is -1, as COCO has it; mAP is always defined. Other metrics: see ckssd.coco.at_half.

    Raises
    ------
    InputError
        If a detection is malformed or belongs to an image that was not run, an image to no annotations, the
        annotations cannot be read, or have no object in these images.
    EnvironmentSetupError
        If the tool is not installed in this Python.
    """
    choice = choice or MetricChoice()
    loaded, version = _load_tool(tool) if choice.name == COCO else (None, "")
    rows = detections if isinstance(detections, np.ndarray) else rows_of(detections)
    check_images(rows, image_ids)
    truth = read_truth(annotations)
    check_known(truth.image_ids.tolist(), image_ids, annotations)
    check_objects(truth, annotations, image_ids, choice.name)
    if loaded is None:
        found_at_half = evaluate_at_half(truth, rows, image_ids, choice)
        return {**found_at_half, **_notes(truth, found_at_half["notes"])}
    found = _found_by(tool, loaded, annotations, truth, rows, image_ids)
    return {
        **_numbers(found),
        "tool": tool,
        "tool_version": version,
        "images": len(image_ids),
        "detections": len(rows),
        **_notes(truth, list(notes_on_metric(truth, COCO))),
    }


def _found_by(
    tool: str,
    loaded: Any,
    annotations: Path,
    truth: GroundTruth,
    rows: Rows,
    image_ids: Sequence[int],
) -> Evaluation:
    """Precision and recall by this tool, each in the way that is fastest with it."""
    # Both tools print as they go.
    with contextlib.redirect_stdout(io.StringIO()), _without_collector():
        if tool == "pycocotools":
            return evaluate_whole(loaded, annotations, truth, rows, image_ids)
        if tool == "hotcoco":
            return evaluate_columns(loaded, truth, rows, image_ids)
        return evaluate_in_parts(loaded, truth, rows, image_ids)


def _numbers(found: Evaluation) -> dict[str, Any]:
    metrics = twelve_numbers(found)
    return {
        "mAP": metrics["AP"],
        "recall": metrics["AR100"],
        "metrics": metrics,
        "per_class": _per_class(found),
    }


def _notes(truth: GroundTruth, metric_notes: list[str]) -> dict[str, list[str]]:
    return {"notes": [*truth.notes, *metric_notes], "metric_notes": metric_notes}


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """No search for cycles: the tools make a million dicts, and it would go through them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load_tool(tool: str) -> tuple[Any, str]:
    """What evaluates by this tool, and its version."""
    try:
        if tool == "hotcoco":
            return importlib.import_module(tool), importlib.metadata.version(tool)
        if tool == "pycocotools":
            coco = importlib.import_module("pycocotools.coco").COCO
            evaluator = importlib.import_module("pycocotools.cocoeval").COCOeval
        else:
            package = importlib.import_module("faster_coco_eval")
            coco, evaluator = package.COCO, package.COCOeval_faster
        return Tool(coco, evaluator), importlib.metadata.version(tool)
    except ImportError as error:
        raise EnvironmentSetupError(
            "The metrics tool is not installed in this Python",
            where=sys.executable,
            expected=tool,
            got=str(error),
            advice="install the COCO tools package (tags tool,coco)",
        ) from error


def _tool_there(tool: str) -> tuple[str, list[str]]:
    """The tool, or an equal one in an environment that was installed before there was hotcoco; and a note."""
    if tool != DEFAULT_TOOL or importlib.util.find_spec(DEFAULT_TOOL) is not None:
        return tool, []
    return EQUAL_TOOL, [
        f"the COCO tools were installed without {DEFAULT_TOOL}: {EQUAL_TOOL} gives equal numbers, later;"
        " ckssd install --tags=tool,coco --reinstall"
    ]


def twelve_numbers(found: Evaluation) -> dict[str, float]:
    """COCOeval.summarize's numbers, in its order and by its means."""
    precision, recall = found.precision, found.recall
    strict, loose = found.iou_thresholds.index(0.75), found.iou_thresholds.index(0.5)
    values = [
        precision[..., ALL, HUNDRED],
        precision[loose, ..., ALL, HUNDRED],
        precision[strict, ..., ALL, HUNDRED],
    ]
    values += [precision[..., area, HUNDRED] for area in (SMALL, MEDIUM, LARGE)]
    values += [recall[..., ALL, limit] for limit in (ONE, TEN, HUNDRED)]
    values += [recall[..., area, HUNDRED] for area in (SMALL, MEDIUM, LARGE)]
    return {name: mean_of(numbers) for name, numbers in zip(STATS, values, strict=True)}


def mean_of(numbers: Numbers) -> float:
    """The mean of what is defined; -1, as COCO has it, where nothing is."""
    defined = numbers[numbers > -1]
    return float(np.mean(defined)) if defined.size else -1.0


def _per_class(found: Evaluation) -> dict[str, float | None]:
    """AP at IoU 0.5 to 0.95 of each category; None where there is nothing to find."""
    by_class: dict[str, float | None] = {}
    for index, name in enumerate(found.categories):
        value = mean_of(found.precision[:, :, index, ALL, HUNDRED])
        by_class[name] = None if value < 0 else value
    return by_class


def main(arguments: Sequence[str] | None = None) -> int:
    """``--annotations FILE --detections FILE --images FILE --output FILE [--tool NAME] [--metric NAME]``."""
    parser = argparse.ArgumentParser(prog="ckssd.coco.metrics", description="Metrics of detections, as JSON.")
    parser.add_argument("--annotations", type=Path, required=True, help="COCO instances file")
    parser.add_argument("--detections", type=Path, required=True, help="COCO results file, or .npy")
    parser.add_argument("--images", type=Path, help="JSON list of the image ids that were run; default: all")
    parser.add_argument("--output", type=Path, required=True, help="where the metrics go, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    parser.add_argument("--tool", choices=TOOLS, default=DEFAULT_TOOL)
    parser.add_argument("--metric", choices=TITLES, default=COCO)
    parser.add_argument("--hierarchy", type=Path, help="of Open Images' classes, JSON")
    parser.add_argument("--expand", choices=EXPANSIONS, default=DEFAULT_EXPAND)
    options = parser.parse_args(arguments)

    def run() -> int:
        detections = read_results(options.detections)
        image_ids = read_ids(options.images) if options.images else _all_images(options.annotations)
        choice = MetricChoice(options.metric, options.hierarchy, options.expand)
        tool, notes = _tool_there(options.tool)
        result = evaluate(options.annotations, detections, image_ids, tool, choice)
        result["notes"] += [*notes_on(options.detections), *notes]
        result["peak_memory_mb"] = peak_memory_mb()
        options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        return 0

    return run_main("ckssd evaluate", run, error_file=options.error)


def read_ids(path: Path) -> list[int]:
    """A JSON list of image ids, read as the annotations' are, so that ``"7"`` is 7 here, too.

    Raises
    ------
    InputError
        It cannot be read, or is no such list.
    """
    ids = [whole_number(value) for value in read_list(path, "image ids")]
    for index, value in enumerate(ids):
        if not isinstance(value, int) or isinstance(value, bool):
            shown = json.dumps(value)[:80]
            raise InputError(
                "An image id is none", where=f"{path}: [{index}]", expected="a whole number", got=shown
            )
    return ids


def _all_images(annotations: Path) -> list[int]:
    return [int(identity) for identity in read_truth(annotations).image_ids]


if __name__ == "__main__":
    sys.exit(main())
