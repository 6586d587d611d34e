"""The metrics a run can be measured with: COCO's, Pascal VOC's of two times, and Open Images' of two kinds.

docs/metrics.md defines them, with their sources. All but COCO's count boxes that overlap by an IoU of 0.5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ckssd.coco.truth import LARGEST_AREA, GroundTruth
from ckssd.coco.written import of
from ckssd.errors import InputError, UsageError
from ckssd.values import choice

Flags = npt.NDArray[np.bool_]
Expand = Literal["ground-truth", "both"]

COCO = "coco"
EXPANSIONS: tuple[Expand, ...] = ("ground-truth", "both")
DEFAULT_EXPAND: Expand = "ground-truth"
WHY_NO_KITTI = (
    "KITTI's metrics need every object's truncation, occlusion and DontCare areas, which COCO annotations"
    " lack, and no maintained package computes them; the original program had none either"
)


@dataclass(frozen=True)
class MetricType:
    """One of the metrics at an IoU of 0.5.

    ``title``: for the summary. ``eleven_points``: VOC 2007's AP. ``groups``: whether Open Images' group-of
    boxes are told apart, of which each counts ``group_weight`` objects. ``only_verified``: whether a
    detection counts only where the image has a label of its class.
    """

    title: str
    eleven_points: bool = False
    groups: bool = False
    group_weight: float = 0.0
    only_verified: bool = False


AT_HALF: Mapping[str, MetricType] = MappingProxyType(
    {
        "voc": MetricType("Pascal VOC 2010 and later: AP at IoU 0.5, area below the curve"),
        "voc2007": MetricType("Pascal VOC 2007: AP at IoU 0.5, mean of 11 points", eleven_points=True),
        "oid": MetricType("Open Images V2: AP at IoU 0.5, group-of boxes ignored", groups=True),
        "oid-challenge": MetricType(
            "Open Images Challenge: AP at IoU 0.5, group-of boxes count once, verified classes only",
            groups=True,
            group_weight=1.0,
            only_verified=True,
        ),
    }
)
TITLES = {COCO: "COCO: AP at IoU 0.5 to 0.95", **{name: one.title for name, one in AT_HALF.items()}}


@dataclass(frozen=True)
class MetricChoice:
    """A metric's name, the hierarchy of classes (Open Images' only), and what it is applied to."""

    name: str = COCO
    hierarchy: Path | None = None
    expand: Expand = DEFAULT_EXPAND

    def __post_init__(self) -> None:
        if self.hierarchy is not None and not (self.name in AT_HALF and AT_HALF[self.name].groups):
            raise UsageError(
                "A hierarchy of classes counts in Open Images' metrics only",
                expected="CK_METRIC_TYPE oid or oid-challenge",
                got=self.name,
            )
        if self.hierarchy is None and self.expand != DEFAULT_EXPAND:
            raise UsageError("Detections are expanded by a hierarchy of classes", expected="CK_OID_HIERARCHY")


def metric_type(name: str, value: Any) -> str:
    """Check the name of a metric, in any case; ``name`` is the setting's.

    Raises
    ------
    UsageError
        There is none of this name.
    """
    if str(value).strip().lower() == "kitti":
        raise UsageError(
            f"{name} has no value that can be used",
            expected=", ".join(TITLES),
            got=repr(value),
            advice=WHY_NO_KITTI,
        )
    chosen: str = choice(*TITLES)(name, value)
    return chosen


@dataclass(frozen=True)
class Counted:
    """How a metric takes each box of the ground truth, [B]: ``ignored``, or a ``group``, or one object.

    ``objects`` are to be found: the ignored ones are not, groups where they weigh something.
    """

    ignored: Flags
    group: Flags
    objects: Flags


def counted(truth: GroundTruth, metric: str) -> Counted:
    """VOC ignores what is difficult, or a crowd. Open Images knows no difficult ones; a crowd is a group."""
    none = np.zeros(len(truth.crowds), np.bool_)
    if metric == COCO:
        ignored = (truth.crowds == 1) | (truth.areas > LARGEST_AREA)
        return Counted(ignored, none, ~ignored)
    kind = AT_HALF[metric]
    if kind.groups:
        group = (truth.groups == 1) | (truth.crowds == 1)
        return Counted(none, group, ~none if kind.group_weight > 0 else ~group)
    ignored = (truth.difficult == 1) | (truth.crowds == 1)
    return Counted(ignored, none, ~ignored)


def check_objects(truth: GroundTruth, path: Path, image_ids: Collection[int], metric: str = COCO) -> None:
    """Raise an InputError if these images have nothing that this metric could find: it has no value then."""
    inside = np.isin(truth.box_images, np.array(list(image_ids), np.int64))
    if not (inside & counted(truth, metric).objects).any():
        left = "single object" if metric == COCO else f"object that {metric} counts"
        raise InputError(
            "There is nothing to evaluate with",
            where=path,
            expected=f"at least one annotation of a {left} in the images that are run",
            got=f"none in {of(len(image_ids), 'image')}",
        )
