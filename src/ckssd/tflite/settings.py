"""What decides how TFLite_Detection_PostProcess works: NMS kind, limits and thresholds, validated once.

The defaults are those of the published SSD-MobileNet TFLite model (seed 1's page).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ckssd.errors import UsageError

NMS_KINDS = ("regular", "fast")
MOST_PER_CLASS = 100  # by default


@dataclass(frozen=True)
class ExportSettings:
    """Settings of the postprocessing op that Step 1 puts into the graph.

    Attributes
    ----------
    nms
        ``regular`` (per class) or ``fast`` (best class only).
    max_detections
        Detections in all, per image. The exporter's own default is 10.
    max_classes_per_detection
        Classes reported for one box; fast NMS only allows 1 here.
    detections_per_class
        Detections kept per class by regular NMS, at most ``max_detections``; None: that, or 100 where less.
    score_threshold, iou_threshold
        Both within 0 … 1.

    Raises
    ------
    UsageError
        If a value makes no sense; ``where`` is the attribute's name.
    """

    nms: str = "regular"
    max_detections: int = 100
    max_classes_per_detection: int = 1
    detections_per_class: int | None = None
    score_threshold: float = 0.3
    iou_threshold: float = 0.6

    def __post_init__(self) -> None:
        if self.nms not in NMS_KINDS:
            raise UsageError("unknown kind of NMS", where="nms", expected="regular or fast", got=self.nms)
        counts = {
            "max_detections": self.max_detections,
            "max_classes_per_detection": self.max_classes_per_detection,
            "detections_per_class": self.per_class,
        }
        for name, count in counts.items():
            if count < 1:
                raise UsageError("bad number", where=name, expected="a whole number of at least 1", got=count)
        for name in ("score_threshold", "iou_threshold"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 1):
                raise UsageError("bad threshold", where=name, expected="a number from 0 to 1", got=value)
        if self.per_class > self.max_detections:
            raise UsageError(
                "more detections of a class than in all",
                where="detections_per_class",
                expected=f"at most {self.max_detections}, the detections in all",
                got=self.per_class,
            )
        if self.nms == "fast" and self.max_classes_per_detection > 1:
            raise UsageError(
                "fast NMS reports one class per detection",
                where="max_classes_per_detection",
                expected=1,
                got=self.max_classes_per_detection,
                advice="choose regular NMS",
            )

    @property
    def per_class(self) -> int:
        """Detections kept per class."""
        if self.detections_per_class is None:
            return min(MOST_PER_CLASS, self.max_detections)
        return self.detections_per_class

    @property
    def use_regular_nms(self) -> bool:
        """The exporter's flag of this name."""
        return self.nms == "regular"

    def config_override(self) -> str:
        """The text of ``--config_override``: what the exporter takes from the pipeline configuration."""
        return (
            "model { ssd { post_processing { batch_non_max_suppression {"
            f" score_threshold: {self.score_threshold!r} iou_threshold: {self.iou_threshold!r}"
            f" max_detections_per_class: {self.per_class}"
            f" max_total_detections: {self.max_detections}"
            " } } } }"
        )
