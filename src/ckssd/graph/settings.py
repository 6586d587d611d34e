"""What a conversion is asked for, and values that were decided on, each with its origin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ckssd.errors import UsageError
from ckssd.graph.pipeline import Pipeline

# DetectionOutput; what is exactly TensorFlow's; the first of them that finds what the graph finds; or nothing
# in the IR, and this project's own NMS behind it.
DETECTION_OUTPUT, NMS, AUTO, NONE = POSTPROCESSINGS = ("detection_output", "nms", "auto", "none")

# What the names of operations begin with that do NMS in DetectionOutput's place.
NMS_SCOPE = "postprocessing"


@dataclass(frozen=True)
class Setting:
    """A value, and where it comes from."""

    value: Any
    origin: str

    def __str__(self) -> str:
        """The value and its origin, for people."""
        return f"{self.value} ({self.origin})"


@dataclass(frozen=True)
class Request:
    """What a person asked for on the command line, as far as replacers need it.

    Attributes
    ----------
    input_shape
        Batch, height, width and channels; None where the graph decides.
    batch
        Images per inference; None: 1, or what ``input_shape`` says.
    pipeline
        The model's pipeline.config, if it was given.
    overrides
        Attributes of DetectionOutput that stand above every other origin.
    postprocessing
        What does NMS: one of POSTPROCESSINGS.
    """

    input_shape: tuple[int, int, int, int] | None = None
    batch: int | None = None
    pipeline: Pipeline | None = None
    overrides: dict[str, float | int] = field(default_factory=dict)
    postprocessing: str = AUTO


def first_stated(name: str, candidates: Iterable[tuple[Any, str]]) -> Setting:
    """Return the first value that somebody states.

    Parameters
    ----------
    name
        The attribute, for the error.
    candidates
        Values (None: not stated) with their origins, the strongest first.

    Raises
    ------
    UsageError
        If nobody states it.
    """
    for value, origin in candidates:
        if value is not None:
            return Setting(value, origin)
    raise UsageError(
        "A value is stated nowhere",
        where=name,
        expected="it in the graph, in pipeline.config, in the configuration, or on the command line",
        advice=f"state it: --{name}=…, or give --tensorflow_object_detection_api_pipeline_config",
    )
