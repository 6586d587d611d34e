"""What was found in one image, and the same as COCO results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Detections:
    """N detections in one image, best first as the operator gave them.

    ``boxes`` float32 [N, 4]: ymin, xmin, ymax, xmax as fractions of the image, clipped to [0, 1].
    ``classes`` int64 [N]: the model's class index, without background (0 is the first real class).
    ``scores`` float32 [N].
    ``others``: what other settings of NMS give in the same image, where a sweep asks for them.
    """

    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    others: tuple[Detections, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)


def from_outputs(
    boxes: npt.NDArray[np.float32],
    classes: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    count: npt.NDArray[np.float32],
) -> Detections:
    """Read TFLite_Detection_PostProcess's outputs for one image: [1, M, 4], [1, M], [1, M] and [1].

    Only the first ``count`` slots are valid (fast NMS leaves garbage behind them), and the operator does not
    clip boxes to the image, which costs 0.003 mAP.
    """
    valid = int(count.reshape(-1)[0])
    return clipped(boxes.reshape(-1, 4)[:valid], classes.reshape(-1)[:valid], scores.reshape(-1)[:valid])


def from_frozen_outputs(
    boxes: npt.NDArray[np.float32],
    classes: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    count: npt.NDArray[np.float32],
) -> Detections:
    """Read a frozen graph's outputs for one image, [1, M, 4], [1, M], [1, M] and [1]; it counts from 1."""
    valid = int(count[0])
    return clipped(boxes[0][:valid], classes[0][:valid] - 1, scores[0][:valid])


def clipped(
    boxes: npt.NDArray[np.float32], classes: npt.NDArray[Any], scores: npt.NDArray[np.float32]
) -> Detections:
    """Detections with their boxes [N, 4] clipped to the image; ``classes`` [N] may be of any number type."""
    return Detections(
        boxes=np.clip(boxes, 0.0, 1.0).astype(np.float32),
        classes=classes.astype(np.int64),
        scores=scores.astype(np.float32),
    )


def to_coco(
    found: Detections, *, image_id: int, width: int, height: int, category_ids: Mapping[int, int]
) -> list[dict[str, Any]]:
    """COCO results: ``bbox`` is x, y, width, height in pixels of the original image.

    Classes that ``category_ids`` (class index to category id) leaves out are left out here too.
    """
    rows = to_rows(found, image_id=image_id, width=width, height=height, category_ids=category_ids)
    return [
        {"image_id": image_id, "category_id": int(category), "bbox": box, "score": score}
        for _, *box, score, category in rows.tolist()
    ]


def to_rows(
    found: Detections, *, image_id: int, width: int, height: int, category_ids: Mapping[int, int]
) -> npt.NDArray[np.float64]:
    """The same as float64 [N, 7]: image id, x, y, width, height, score, category id."""
    known = np.isin(found.classes, list(category_ids))
    corners = found.boxes[known].astype(np.float64) * np.array([height, width, height, width], np.float64)
    rows = np.empty((len(corners), 7), np.float64)
    rows[:, 0] = image_id
    rows[:, 1:3] = corners[:, 1::-1]
    rows[:, 3:5] = corners[:, 3:1:-1] - corners[:, 1::-1]
    rows[:, 5] = found.scores[known]
    rows[:, 6] = [category_ids[index] for index in found.classes[known].tolist()]
    return rows
