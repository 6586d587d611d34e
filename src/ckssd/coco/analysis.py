"""Everything about a run's accuracy that a report shows: curves, classes, sizes, scores, confusion, errors.

Runs as ``python -m ckssd.coco.analysis`` in the environment of the COCO tools, as ckssd.coco.metrics does:
files in, JSON out. Matching, AP, TIDE's costs, confusion and calibration are hotcoco's. The numbers at
thresholds are of one IoU, 0.5.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.columns import Evaluated, evaluation_of, run_columns
from ckssd.coco.errors import BACKGROUND_IOU, FOREGROUND_IOU, KINDS, MISSED, TIDE_NAMES, Sorted, sort_errors
from ckssd.coco.evaluators import Evaluation, check_known
from ckssd.coco.matching import IGNORED, RIGHT, WRONG, Matches
from ckssd.coco.metrics import ALL, HUNDRED, LARGE, MEDIUM, SMALL, mean_of, read_ids, twelve_numbers
from ckssd.coco.operating import Point, best_f1, points
from ckssd.coco.results import Rows, check_images, read_results
from ckssd.coco.truth import GroundTruth, read_truth
from ckssd.coco.worst import worst_images
from ckssd.endings import run_main
from ckssd.errors import EnvironmentSetupError

TOOL = "hotcoco"
RECALLS = tuple(round(0.01 * step, 2) for step in range(101))
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(1, 50))
SCORE_BINS, CALIBRATION_BINS = 20, 10
# COCO's ranges of areas in square pixels, https://cocodataset.org/#detection-eval
SIZES = (
    ("small", SMALL, 0.0, 32.0**2),
    ("medium", MEDIUM, 32.0**2, 96.0**2),
    ("large", LARGE, 96.0**2, 1e10),
)
# A matrix of more classes is no picture any more; the pairs that are confused most say the same.
MOST_CLASSES_IN_MATRIX, MOST_PAIRS = 30, 200


@dataclass(frozen=True)
class Analysed:
    """A run after matching; ``image_ids``: those that were run. Rows as in ckssd.coco.results."""

    truth: GroundTruth
    rows: Rows
    image_ids: Sequence[int]
    evaluated: Evaluated
    evaluation: Evaluation
    found: Sorted
    matches: Matches

    @property
    def names(self) -> dict[int, str]:
        """Category id to name."""
        return dict(zip(self.truth.category_ids.tolist(), self.truth.category_names, strict=True))


def analyse(annotations: Path, rows: Rows, image_ids: Sequence[int]) -> dict[str, Any]:
    """What a report shows of accuracy; docs/schema/report.json describes each part.

    Parameters
    ----------
    annotations
        A COCO instances file.
    rows
        float64 [N, 7], see ckssd.coco.results.
    image_ids
        The images that were run; objects of others do not count.

    Raises
    ------
    InputError
        The files do not fit each other, or break COCO's format.
    EnvironmentSetupError
        hotcoco is not installed in this Python.
    """
    return describe(match_all(annotations, rows, image_ids))


def match_all(annotations: Path, rows: Rows, image_ids: Sequence[int]) -> Analysed:
    """Match by hotcoco, and sort what is wrong; raises as ``analyse`` does."""
    hotcoco = hotcoco_here()
    check_images(rows, image_ids)
    truth = read_truth(annotations)
    check_known(truth.image_ids.tolist(), image_ids, annotations)
    evaluated = run_columns(hotcoco, truth, rows, image_ids)
    matched, counted = _statuses(evaluated, len(rows))
    found = sort_errors(truth, rows, evaluated.objects, matched, counted)
    matches = _matches(truth, rows, evaluated, matched, counted, len(set(image_ids)))
    return Analysed(truth, rows, image_ids, evaluated, evaluation_of(evaluated, truth), found, matches)


def describe(run: Analysed) -> dict[str, Any]:
    """The parts of ``analyse``."""
    curve, of_class = _thresholds(run)
    best = _best(curve)
    threshold = 0.0 if best is None else best.score_threshold
    return {
        "tool": TOOL,
        "tool_version": importlib.metadata.version(TOOL),
        "images": run.matches.images,
        "objects": sum(run.matches.objects.values()),
        "detections": len(run.rows),
        "metrics": twelve_numbers(run.evaluation),
        "curves": _curves(run.evaluation),
        "classes": _classes(run, of_class),
        "sizes": _sizes(run),
        "scores": _scores(run.matches),
        "calibration": _calibration(run),
        "thresholds": {
            "iou": FOREGROUND_IOU,
            "best": None if best is None else _point(best),
            "points": [_point(point) for point in curve],
        },
        "confusion": _confusion(run, threshold),
        "errors": _errors(run),
        "worst": worst_images(run.truth, run.rows, run.evaluated.objects, run.found, threshold),
        "notes": list(run.truth.notes),
    }


def hotcoco_here() -> Any:
    """The module; raises an EnvironmentSetupError where it is not installed."""
    try:
        return importlib.import_module(TOOL)
    except ImportError as error:
        raise EnvironmentSetupError(
            "The COCO tools were installed without what sorts errors",
            where=sys.executable,
            expected=TOOL,
            advice="install them anew: ckssd install --tags=tool,coco --reinstall",
        ) from error


def _statuses(evaluated: Evaluated, rows: int) -> tuple[dict[int, int], npt.NDArray[np.bool_]]:
    """Place of each right detection to that of its object, and which detections count at all."""
    said = evaluated.run.image_diagnostics(iou_thr=FOREGROUND_IOU)
    counted = np.zeros(rows, np.bool_)
    identities = np.fromiter(said["dt_status"], np.int64, len(said["dt_status"]))
    counted[evaluated.detections[identities - 1]] = True
    right = [identity for identity, status in said["dt_status"].items() if status == "tp"]
    matched = {
        int(evaluated.detections[identity - 1]): int(evaluated.objects[said["dt_match"][identity] - 1])
        for identity in right
    }
    return matched, counted


def _matches(
    truth: GroundTruth,
    rows: Rows,
    evaluated: Evaluated,
    matched: dict[int, int],
    counted: npt.NDArray[np.bool_],
    images: int,
) -> Matches:
    """The same in the form that operating points are made of."""
    outcomes = np.where(counted, WRONG, IGNORED).astype(np.int8)
    outcomes[list(matched)] = RIGHT
    single = evaluated.objects[truth.crowds[evaluated.objects] == 0]
    numbers = {
        int(identity): int((truth.box_categories[single] == identity).sum())
        for identity in evaluated.categories
    }
    known = evaluated.detections
    return Matches(
        scores=rows[known, 5],
        categories=rows[known, 6].astype(np.int64),
        outcomes=outcomes[known],
        objects=numbers,
        images=images,
        strangers=len(rows) - len(known),
    )


def _curves(found: Evaluation) -> dict[str, list[float | None]]:
    """Precision at each recall, meaned over the classes, at two IoUs and meaned over all."""
    loose, strict = found.iou_thresholds.index(0.5), found.iou_thresholds.index(0.75)
    precision = found.precision[:, :, :, ALL, HUNDRED]
    chosen = {"0.50": precision[loose : loose + 1], "0.75": precision[strict : strict + 1], "mean": precision}
    return {
        "recall": list(RECALLS),
        **{
            name: [_defined(mean_of(part[:, place])) for place in range(len(RECALLS))]
            for name, part in chosen.items()
        },
    }


def _classes(run: Analysed, of_class: dict[int, list[Point]]) -> list[dict[str, Any]]:
    """Each class that has objects or detections, best AP first."""
    found = run.evaluation
    loose, strict = found.iou_thresholds.index(0.5), found.iou_thresholds.index(0.75)
    classes = []
    for place, identity in enumerate(run.evaluated.categories.tolist()):
        if identity not in of_class:
            continue
        own = found.precision[:, :, place, ALL, HUNDRED]
        best = _best(of_class[identity])
        classes.append(
            {
                "id": identity,
                "name": run.names[identity],
                "ap": _defined(mean_of(own)),
                "ap50": _defined(mean_of(own[loose])),
                "ap75": _defined(mean_of(own[strict])),
                "objects": run.matches.objects[identity],
                "detections": int((run.matches.categories == identity).sum()),
                "best": None if best is None else _point(best),
            }
        )
    return sorted(
        classes, key=lambda one: (-1.0 if one["ap"] is None else one["ap"], one["objects"]), reverse=True
    )


def _sizes(run: Analysed) -> list[dict[str, Any]]:
    single = run.evaluated.objects[run.truth.crowds[run.evaluated.objects] == 0]
    areas = run.truth.areas[single]
    return [
        {
            "name": name,
            "from": low,
            "to": high,
            "ap": _defined(mean_of(run.evaluation.precision[..., area, HUNDRED])),
            "ar": _defined(mean_of(run.evaluation.recall[..., area, HUNDRED])),
            "objects": int(((areas >= low) & (areas < high)).sum()),
        }
        for name, area, low, high in SIZES
    ]


def _scores(matches: Matches) -> dict[str, list[Any]]:
    """How many detections have which score, right ones and wrong ones."""
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    return {
        "edges": [round(float(edge), 4) for edge in edges],
        **{
            name: np.histogram(matches.scores[matches.outcomes == outcome], edges)[0].tolist()
            for name, outcome in (("right", RIGHT), ("wrong", WRONG))
        },
    }


def _calibration(run: Analysed) -> dict[str, Any]:
    said = run.evaluated.run.calibration(n_bins=CALIBRATION_BINS, iou_threshold=FOREGROUND_IOU)
    return {
        "expected_error": float(said["ece"]),
        "largest_error": float(said["mce"]),
        "bins": [
            {
                "from": float(one["bin_lower"]),
                "to": float(one["bin_upper"]),
                "score": float(one["avg_confidence"]),
                "precision": float(one["avg_accuracy"]),
                "detections": int(one["count"]),
            }
            for one in said["bins"]
            if one["count"]
        ],
    }


def _thresholds(run: Analysed) -> tuple[list[Point], dict[int, list[Point]]]:
    """Points of all classes together, and of each."""
    together: list[Point] = []
    of_class: dict[int, list[Point]] = {}
    for point in points(run.matches, THRESHOLDS, run.names):
        if point.category_id is None:
            together.append(point)
        else:
            of_class.setdefault(point.category_id, []).append(point)
    return together, of_class


def _best(given: Sequence[Point]) -> Point | None:
    """The point with the highest F1; none where nothing is right at any threshold."""
    best = best_f1(given)
    return best if best is not None and best.f1 else None


def _point(point: Point) -> dict[str, Any]:
    wanted = ("score_threshold", "precision", "recall", "f1", "false_positives_per_image")
    return {name: getattr(point, name) for name in wanted}


def _confusion(run: Analysed, threshold: float) -> dict[str, Any]:
    """Which class was taken for which, of detections with at least this score."""
    said = run.evaluated.run.confusion_matrix(iou_thr=FOREGROUND_IOU, min_score=threshold)
    matrix = np.asarray(said["matrix"]).astype(np.int64)
    order = run.evaluated.categories.tolist()
    names = [run.names[identity] for identity in order]
    shown = [place for place in range(len(order)) if matrix[place].sum() + matrix[:, place].sum()]
    wrong = matrix[:-1, :-1].copy()
    np.fill_diagonal(wrong, 0)
    most = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    cells = [(*divmod(int(cell), len(order)), int(wrong.flat[cell])) for cell in most]
    places = [*shown, len(order)]
    fits = len(shown) <= MOST_CLASSES_IN_MATRIX
    return {
        "score_threshold": threshold,
        "classes": [names[place] for place in shown],
        "matrix": matrix[np.ix_(places, places)].tolist() if fits else None,
        "pairs": [
            {"truth": names[there], "found": names[found], "count": number}
            for there, found, number in cells
            if number
        ],
    }


def _errors(run: Analysed) -> dict[str, Any]:
    """TIDE's kinds: how many of each, and by how much AP at IoU 0.5 would rise without them."""
    said = run.evaluated.run.tide_errors(pos_thr=FOREGROUND_IOU, bg_thr=BACKGROUND_IOU)
    return {
        "iou": FOREGROUND_IOU,
        "background_iou": BACKGROUND_IOU,
        "ap": float(said["ap_base"]),
        "kinds": [
            {
                "kind": kind,
                "of": "objects" if kind == MISSED else "detections",
                "count": int(said["counts"][TIDE_NAMES[kind]]),
                "cost": float(said["delta_ap"][TIDE_NAMES[kind]]),
            }
            for kind in KINDS
        ],
        "false_positives_cost": float(said["delta_ap"]["FP"]),
        "false_negatives_cost": float(said["delta_ap"]["FN"]),
    }


def _defined(value: float) -> float | None:
    return None if value < 0 else value


def main(arguments: Sequence[str] | None = None) -> int:
    """``--annotations FILE --detections FILE --images FILE --output FILE``."""
    parser = argparse.ArgumentParser(prog="ckssd.coco.analysis", description="Accuracy in detail, as JSON.")
    parser.add_argument("--annotations", type=Path, required=True, help="COCO instances file")
    parser.add_argument("--detections", type=Path, required=True, help="COCO results file, or .npy")
    parser.add_argument("--images", type=Path, required=True, help="JSON list of the image ids that were run")
    parser.add_argument("--output", type=Path, required=True, help="where the analysis goes, as JSON")
    parser.add_argument("--error", type=Path, help="where a failure goes, as JSON")
    options = parser.parse_args(arguments)

    def run() -> int:
        found = analyse(options.annotations, read_results(options.detections), read_ids(options.images))
        options.output.write_text(json.dumps(found), encoding="utf-8")
        return 0

    return run_main("ckssd report", run, error_file=options.error)


if __name__ == "__main__":
    sys.exit(main())
