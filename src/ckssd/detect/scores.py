"""Class outputs as scores: the graph's own activation, one that was stated, and scores that are none.

A graph whose activation was left out gives logits. Taken for scores they find the wrong boxes without a word,
so where neither the graph nor a person says what they are, every image's are looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ckssd.errors import InputError, UsageError
from ckssd.model.description import Model

VARIABLE = "CK_SCORE_ACTIVATION"
# What a quantised graph's steps and float32's rounding may add to a score of 1 or take from one of 0.
TOLERANCE = 0.01

Predictions = npt.NDArray[np.float32]


def sigmoid(logits: Predictions) -> Predictions:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, small) / (1 + small), np.float32)


def softmax(logits: Predictions) -> Predictions:
    """Of the last axis, which has the background in it."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


FUNCTIONS: dict[str, Callable[[Predictions], Predictions]] = {"sigmoid": sigmoid, "softmax": softmax}


@dataclass(frozen=True)
class Scores:
    """How a graph's class outputs become scores.

    ``graph``: the activation that the graph itself ends in, None without one. ``stated``: the one to apply.
    """

    file: Path
    graph: str | None = None
    stated: str | None = None

    @property
    def as_they_are(self) -> bool:
        """Whether the outputs are scores for certain."""
        return self.graph is not None

    def of(self, outputs: Predictions) -> Predictions:
        """Scores of class outputs, in the same shape [1, A, C].

        Raises
        ------
        InputError
            They are no scores.
        """
        if self.as_they_are:
            return outputs
        if self.stated in FUNCTIONS:
            return FUNCTIONS[self.stated](outputs)
        check_scores(outputs, self.file)
        return outputs

    def describe(self) -> str:
        """For people, behind what does the NMS."""
        return f", scores by {self.stated} ({VARIABLE})" if self.stated in FUNCTIONS else ""


def scores_of(model: Model, own: str | None) -> Scores:
    """Say by the graph's own activation (None: it has none) and what was stated how outputs become scores.

    Raises
    ------
    UsageError
        An activation was stated and the graph has one already.
    """
    if own is not None and model.activation in FUNCTIONS:
        raise UsageError(
            f"{VARIABLE} has no value that can be used",
            where=model.file,
            expected=f"none: the graph itself ends in a {own}",
            got=model.activation,
        )
    return Scores(model.file, own, model.activation)


def check_scores(scores: Predictions, file: Path) -> None:
    """Raise an InputError if the scores of an image, of any shape, are not all between 0 and 1.

    They are logits then, or the model is broken: NaN is no score.
    """
    if not scores.size:
        return
    low, high = float(scores.min()), float(scores.max())
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):  # so, because NaN compares as False
        raise InputError(
            "The model's class outputs are no scores",
            where=file,
            expected="numbers from 0 to 1",
            got=f"{low:.4g} to {high:.4g}",
            advice=f"if the graph lacks its activation, state it: {VARIABLE}=sigmoid or softmax",
        )
