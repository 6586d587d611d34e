"""Operating points: precision, recall and F1 at each of many score thresholds, from detections matched once.

At a threshold, detections with at least this score count. With TP of them right, FP wrong, and N objects:

- precision = TP / (TP + FP), of what is shown, how much is right; not defined where nothing is shown;
- recall = TP / N, of what is there, how much is found; not defined where there is nothing to find;
- F1 = 2 TP / (TP + FP + N), the harmonic mean of both;
- false positives per image = FP / images, those without objects and without detections counted.

Detections that match a crowd only are in none of them. "All classes" are the sums of TP, FP and N over the
classes, so that frequent classes weigh more; COCO's mAP is a mean over classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.coco.matching import RIGHT, WRONG, Matches

# Category id, or None for all together; name; objects; which detections are its own.
_Part = tuple[int | None, str, int, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Point:
    """What one score threshold gives, for a category or (None) all together.

    ``nms_iou``: the NMS that the detections went through; None: not known.
    """

    nms_iou: float | None
    score_threshold: float
    category_id: int | None
    category: str
    objects: int
    true_positives: int
    false_positives: int
    images: int

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP), or None."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """TP / N, or None."""
        return _ratio(self.true_positives, self.objects)

    @property
    def f1(self) -> float | None:
        """2 TP / (TP + FP + N), or None where there is nothing at all."""
        return _ratio(2 * self.true_positives, self.true_positives + self.false_positives + self.objects)

    @property
    def false_positives_per_image(self) -> float:
        """FP / images."""
        return self.false_positives / self.images

    def as_dict(self) -> dict[str, Any]:
        """For JSON and CSV; None is a number that is not defined."""
        return {
            **asdict(self),
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "false_positives_per_image": self.false_positives_per_image,
        }


def points(
    matches: Matches, thresholds: Sequence[float], names: dict[int, str], nms_iou: float | None = None
) -> list[Point]:
    """Points of all categories together, threshold after threshold, then of each category in order of id.

    Scores and thresholds are compared as float32, which is what models' scores are: a threshold of 0.7 keeps
    what a run with this threshold keeps. Categories without objects and detections are left out.
    """
    limits = np.asarray(thresholds, np.float32)
    scores = matches.scores.astype(np.float32)
    every = np.ones(len(scores), np.bool_)
    found: list[_Part] = [(None, "", sum(matches.objects.values()), every)]
    for category, number in sorted(matches.objects.items()):
        own = matches.categories == category
        if number or own.any():
            found.append((category, names[category], number, own))
    made = []
    for identity, name, number, own in found:
        right = _reaching(scores[own & (matches.outcomes == RIGHT)], limits)
        wrong = _reaching(scores[own & (matches.outcomes == WRONG)], limits)
        made += [
            Point(nms_iou, threshold, identity, name, number, tp, fp, matches.images)
            for threshold, tp, fp in zip(thresholds, right, wrong, strict=True)
        ]
    return made


def _reaching(scores: npt.NDArray[np.float32], limits: npt.NDArray[np.float32]) -> list[int]:
    """How many of the scores are at least each limit."""
    below: list[int] = np.searchsorted(np.sort(scores), limits, side="left").tolist()
    return [len(scores) - number for number in below]


def best_f1(given: Iterable[Point]) -> Point | None:
    """The point with the highest F1; of equal ones the one with the highest threshold. None without any."""
    defined = [point for point in given if point.f1 is not None]
    return max(defined, key=lambda point: (point.f1, point.score_threshold), default=None)


def for_precision(given: Iterable[Point], wanted: float) -> Point | None:
    """Of points with at least this precision, the one with the highest recall, then precision; or None."""
    fitting = [point for point in given if _value(point.precision) >= wanted]
    return max(fitting, key=lambda point: _order(point.recall, point.precision, point), default=None)


def for_recall(given: Iterable[Point], wanted: float) -> Point | None:
    """Of points with at least this recall, the one with the highest precision, then recall; or None."""
    fitting = [point for point in given if _value(point.recall) >= wanted]
    return max(fitting, key=lambda point: _order(point.precision, point.recall, point), default=None)


def _order(first: float | None, second: float | None, point: Point) -> tuple[float, float, float]:
    return _value(first), _value(second), point.score_threshold


def _value(number: float | None) -> float:
    return -1.0 if number is None else number


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
