"""What the graph for TFLite is asked for, and the limits of its operation, each from the strongest origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.graph.node import Output
from ckssd.graph.pipeline import Pipeline
from ckssd.graph.replacement import Context
from ckssd.graph.settings import Request, Setting
from ckssd.graph.ssd.boxes import Scales
from ckssd.graph.ssd.suppression import Suppression

REGULAR, FAST, NONE = "regular", "fast", "none"
NMS_KINDS = (REGULAR, FAST, NONE)
# Name of a limit, and what pipeline.config calls it.
LIMITS = {
    "max_detections": "max_total_detections",
    "detections_per_class": "max_detections_per_class",
    "max_classes_per_detection": "max_classes_per_detection",
    "score_threshold": "score_threshold",
    "iou_threshold": "iou_threshold",
}


@dataclass(frozen=True)
class Wanted:
    """What a person asked for.

    Attributes
    ----------
    nms
        ``regular``, ``fast``, or ``none``: the graph ends at encodings and scores.
    given
        Limits (names of `LIMITS`) that stand above what the graph says.
    pipeline
        The model's pipeline.config, for what the graph does not say.
    """

    nms: str = REGULAR
    given: Mapping[str, Setting] = field(default_factory=dict)
    pipeline: Pipeline | None = None

    def __post_init__(self) -> None:
        if self.nms not in NMS_KINDS:
            raise UsageError(
                "unknown kind of NMS", where="nms", expected="regular, fast or none", got=self.nms
            )
        if self.nms == NONE and self.given:
            raise UsageError(
                "without NMS there are no limits",
                where=next(iter(self.given)),
                expected="regular or fast NMS, or no limits",
            )


class TFLiteContext(Context):
    """What the replacers for TFLite find in the graph, besides the settings that they note."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(Request(pipeline=wanted.pipeline))
        self.wanted = wanted
        self.scales = Scales(1.0, 1.0, 1.0, 1.0, "")
        self.suppression = Suppression(None, None, None, None, "")
        self.has_background = True
        self.anchors = Output("")


def decide_limits(context: TFLiteContext, source: str) -> dict[str, Setting]:
    """Return all limits with their origins; note in the context which of the graph's cannot be kept.

    Raises
    ------
    InputError
        If nobody states one, or the graph suppresses in a way that the chosen kind of NMS cannot.
    """
    wanted, found = context.wanted, context.suppression
    if found.class_agnostic and wanted.nms == REGULAR:
        raise InputError(
            "The graph suppresses boxes of all classes together (class-agnostic NMS), regular NMS does not",
            where=source,
            advice="--nms fast does what the graph does; --nms none leaves it to your program",
        )
    in_graph = {
        "max_detections": found.total,
        "detections_per_class": found.total if found.class_agnostic else found.per_class,
        "score_threshold": found.score_threshold,
        "iou_threshold": found.iou_threshold,
    }
    decided, missing = {}, []
    for name in LIMITS:
        candidates = [
            wanted.given.get(name),
            _stated(in_graph.get(name), found.origin),
            _in_pipeline(wanted.pipeline, name),
            Setting(1, "a detection has one class") if name == "max_classes_per_detection" else None,
        ]
        setting = next((each for each in candidates if each is not None), None)
        if setting is None:
            missing.append(name)
        else:
            decided[name] = setting
    if missing:
        raise _nowhere(missing, source)
    total, per_class = decided["max_detections"], decided["detections_per_class"]
    if per_class.value > total.value and "detections_per_class" not in wanted.given:
        decided["detections_per_class"] = Setting(total.value, f"no more than in all, {total.origin}")
    return decided


def _stated(value: Any, origin: str) -> Setting | None:
    return None if value is None else Setting(value, origin)


def _in_pipeline(pipeline: Pipeline | None, name: str) -> Setting | None:
    value = pipeline.nms(LIMITS[name]) if pipeline else None
    if value is None:
        return None
    return Setting(value if name.endswith("threshold") else int(value), "pipeline.config")


def _nowhere(names: list[str], source: str) -> InputError:
    return InputError(
        f"Not all limits of NMS are stated: {', '.join(names)}",
        where=source,
        expected="them in the graph, or in the pipeline.config beside it",
        advice=f"state them: {' '.join('--' + name.replace('_', '-') for name in names)}",
    )
