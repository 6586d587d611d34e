"""Published accuracy beside the measured: whether they agree, or why there is nothing to compare with.

The published figures are data in a model's entry (``CK_ENV_TENSORFLOW_MODEL_PUBLISHED_…``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckssd.coco.metric_types import COCO
from ckssd.values import bad_value, real_number, whole_number

PREFIX = "CK_ENV_TENSORFLOW_MODEL_PUBLISHED_"
# Decoders, resize methods and TFLite versions move mAP by some thousandths; a wrong setting by more.
AGREES_WITHIN = 0.005


@dataclass(frozen=True)
class Published:
    """What was published for one model and kind of NMS, on ``images`` images of a data set."""

    dataset_type: str
    images: int
    mean_average_precision: float
    recall: float
    score_threshold: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], nms: str) -> Published | None:
        """Read the figures of a model's entry for one kind of NMS; ``None`` when it has none.

        Raises
        ------
        UsageError
            A figure is no number.
        """
        names = {key: f"{PREFIX}{nms.upper()}_{key}" for key in ("MAP", "RECALL")}
        if not all(environment.get(name, "").strip() for name in names.values()):
            return None
        share = real_number(0)
        return cls(
            dataset_type=environment.get(f"{PREFIX}DATASET_TYPE", "").strip(),
            images=whole_number(1)(f"{PREFIX}IMAGES", environment.get(f"{PREFIX}IMAGES", "")),
            mean_average_precision=share(names["MAP"], environment[names["MAP"]]),
            recall=share(names["RECALL"], environment[names["RECALL"]]),
            score_threshold=share(
                f"{PREFIX}SCORE_THRESHOLD", environment.get(f"{PREFIX}SCORE_THRESHOLD", "0.3")
            ),
        )

    @classmethod
    def from_mapping(cls, mapping: Any) -> Published:
        """The same from a JSON object with this class's field names."""
        if not isinstance(mapping, Mapping) or set(mapping) != set(cls.__dataclass_fields__):
            raise bad_value("published", f"an object with {', '.join(cls.__dataclass_fields__)}", mapping)
        return cls(**mapping)


def why_not_comparable(
    published: Published | None, *, dataset_type: str, images: int, score_threshold: float, metric: str = COCO
) -> str | None:
    """Return why a run cannot be compared with what was published, or ``None`` when it can."""
    if published is None:
        return "none is known for this model and NMS"
    if metric != COCO:
        return f"it is COCO's mAP, this run was measured by {metric}"
    if published.dataset_type != dataset_type:
        return f"it is for the data set {published.dataset_type}, this is {dataset_type or 'another one'}"
    if published.images != images:
        return f"it is for {published.images} images, this run had {images}"
    if abs(published.score_threshold - score_threshold) > 1e-6:
        return f"it is for score threshold {published.score_threshold:g}, this run had {score_threshold:g}"
    return None


def comparison(published: Published, mean_average_precision: float, recall: float) -> list[str]:
    """Return the lines that show published figures and whether the measured ones agree."""
    lines = []
    for name, theirs, ours in (
        ("mAP", published.mean_average_precision, mean_average_precision),
        ("Recall", published.recall, recall),
    ):
        verdict = "agrees" if abs(ours - theirs) <= AGREES_WITHIN else "DIFFERS"
        lines.append(
            f"Published {name}: {theirs!r}; measured {ours - theirs:+.6f}: {verdict} (within {AGREES_WITHIN})"
        )
    return lines
