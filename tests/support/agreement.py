"""Detections of two runtimes side by side: what has its counterpart, and what has not.

Detections are compared as sets, because kernels order near-tied scores differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ckssd.detect.detections import Detections

SCORE_TOLERANCE = 1e-3
BOX_TOLERANCE = 2e-4  # a box of 0.7 of the image differs by 1.1e-4 where float32 is summed by AVX-512
LEAST_OVERLAP = 0.4  # below the IoU thresholds of the models compared


@dataclass(frozen=True)
class Unmatched:
    """A detection that the other side has not; ``tie`` says which score it ties with, or is empty."""

    image: str
    side: str
    number: int
    score: float
    box: tuple[float, ...]
    tie: str = ""


@dataclass
class Agreement:
    """A comparison over images: how many detections were compared, and the largest differences of pairs."""

    compared: int = 0
    score_difference: float = 0.0
    box_difference: float = 0.0
    unmatched: list[Unmatched] = field(default_factory=list)

    @property
    def untied(self) -> list[Unmatched]:
        """The unmatched detections that no tie explains."""
        return [each for each in self.unmatched if not each.tie]


def compare(
    pairs: Iterable[tuple[str, Detections, Detections]],
    *,
    threshold: float,
    keep: int,
    box_tolerance: float = BOX_TOLERANCE,
    score_tolerance: float = SCORE_TOLERANCE,
    tie_tolerance: float = SCORE_TOLERANCE,
) -> Agreement:
    """Compare two runtimes' detections of the same images.

    Parameters
    ----------
    pairs
        An image's name, and the detections of the two.
    threshold
        Only detections above it are compared; one within `tie_tolerance` of it needs no counterpart.
    keep
        How many detections of an image both keep.
    box_tolerance, score_tolerance
        By how much the coordinates and the scores of a pair may differ.
    tie_tolerance
        By how much scores may differ that one side may order in one way, the other in the other.
    """
    result = Agreement()
    for image, one, other in pairs:
        sides = {"one": one, "other": other}
        matched = dict(partners(one, other, box_tolerance, score_tolerance))
        for index, partner in matched.items():
            if one.scores[index] > threshold:
                result.compared += 1
                result.score_difference = max(
                    result.score_difference, abs(float(one.scores[index] - other.scores[partner]))
                )
                result.box_difference = max(
                    result.box_difference, float(np.abs(one.boxes[index] - other.boxes[partner]).max())
                )
        taken = {"one": set(matched), "other": set(matched.values())}
        for side, found in sides.items():
            against = other if side == "one" else one
            for index in range(len(found)):
                score = float(found.scores[index])
                if index in taken[side] or score <= threshold + tie_tolerance:
                    continue
                tie = _tie(found, index, against, keep, tie_tolerance, box_tolerance)
                box = tuple(float(value) for value in found.boxes[index])
                result.unmatched.append(Unmatched(image, side, int(found.classes[index]), score, box, tie))
    return result


def partners(
    one: Detections, other: Detections, box_tolerance: float, score_tolerance: float
) -> Iterator[tuple[int, int]]:
    """Index in ``one`` and of its counterpart in ``other``, the nearest score first."""
    free = set(range(len(other)))
    for index in range(len(one)):
        near = [
            candidate
            for candidate in free
            if other.classes[candidate] == one.classes[index]
            and abs(float(other.scores[candidate] - one.scores[index])) <= score_tolerance
            and float(np.abs(other.boxes[candidate] - one.boxes[index]).max()) <= box_tolerance
        ]
        if near:
            best = min(near, key=lambda each: abs(float(other.scores[each] - one.scores[index])))
            free.remove(best)
            yield index, best


def _tie(
    found: Detections, index: int, against: Detections, keep: int, tolerance: float, box_tolerance: float
) -> str:
    """Which tie lets the other side lack this detection: at the limit, or with one that suppresses it."""
    score = float(found.scores[index])
    last = float(against.scores.min()) if len(against) else 0.0
    if len(against) >= keep and score - last <= tolerance:
        return f"with the last one kept ({last:.6f})"
    for rival in range(len(against)):
        same = against.classes[rival] == found.classes[index]
        near = abs(float(against.scores[rival]) - score) <= tolerance
        if same and near and _is_another(found.boxes[index], against.boxes[rival], box_tolerance):
            return f"with the one that suppresses it ({float(against.scores[rival]):.6f})"
    return ""


def _is_another(one: np.ndarray, other: np.ndarray, box_tolerance: float) -> bool:
    """Whether two boxes overlap much, but are not the same one beyond its tolerance."""
    sides = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    union = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - np.prod(sides)
    apart = max(1e-3, box_tolerance)
    return bool(np.prod(sides) > LEAST_OVERLAP * union and np.abs(one - other).max() > apart)
