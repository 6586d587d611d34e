"""Non-maximum suppression on raw SSD outputs, with the results of TFLite_Detection_PostProcess.

Regular NMS works class by class and then keeps the best of all classes. Whether a candidate survives depends
on better ones only, so the best `max_detections` survivors appear when the candidates of all classes are gone
through together from the best score on, a window at a time. That ends early, however low the threshold is:
with enough survivors, or when the classes that lack some have no candidates left.

Only where scores tie exactly between classes may the kernel's order, and so its choice at the limit, differ.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ckssd.detect.boxes import Boxes, decode_boxes, overlaps
from ckssd.errors import InputError
from ckssd.tflite.options import PostProcessOptions

WINDOW = 128  # candidates compared at once: what most images need at threshold 0.3
SORTED_AT_FIRST = 1024  # of many candidates, so many are sorted before the others are looked at

# Row i, column j: whether candidate i of a window has the better score.
BETTER = np.triu(np.ones((WINDOW, WINDOW), bool), 1)

_OF_THREAD = threading.local()

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Candidates = tuple[Indices, Indices, Floats]  # box, class and score of each


def postprocess(
    encodings: Floats, predictions: Floats, anchors: Floats, options: PostProcessOptions
) -> tuple[Boxes, Indices, Floats]:
    """Detections of one image from the outputs of a graph without NMS.

    Parameters
    ----------
    encodings
        Box encodings [1, A, 4]: ty, tx, th, tw.
    predictions
        Scores [1, A, C] or, with background first, [1, A, C + 1]; C is ``options.num_classes``.
    anchors
        [A, 4]: ycenter, xcenter, h, w.
    options
        ``use_regular_nms`` chooses the kind, the others the limits and thresholds.

    Returns
    -------
    boxes, classes, scores
        [N, 4] (ymin, xmin, ymax, xmax, not clipped), [N] (0 is the first class) and [N], best score first.

    Raises
    ------
    InputError
        If the shapes do not fit each other, or fast NMS shall give several classes of one box.
    """
    background = _check(encodings, predictions, anchors, options)
    encodings, predictions = encodings[0], predictions[0]
    reached, data = _flags(predictions.shape)
    np.greater_equal(predictions, np.float32(options.nms_score_threshold), out=reached)
    # It is no class, and a trained detector's background has the best score of nearly every box.
    reached[:, :background] = False
    places = _few_places(data)
    if places is not None:
        return _of_few(encodings, anchors, options, _each(predictions, places, background))
    candidates = _Every if options.use_regular_nms else _BestOfEachBox
    return _of_many(encodings, anchors, options, candidates(predictions, reached, background))


def _check(encodings: Floats, predictions: Floats, anchors: Floats, options: PostProcessOptions) -> int:
    """Number of background classes (0 or 1) before the first real one."""
    background = int(predictions.shape[-1]) - options.num_classes
    shapes = [encodings.shape, predictions.shape[:2], anchors.shape]
    boxes = len(anchors)
    if background not in (0, 1) or shapes != [(1, boxes, 4), (1, boxes), (boxes, 4)]:
        raise InputError(
            "The graph's outputs do not fit the anchors and the number of classes",
            expected=f"box encodings [1, {boxes}, 4] and class predictions [1, {boxes}, "
            f"{options.num_classes} or {options.num_classes + 1}]",
            got=f"{list(encodings.shape)} and {list(predictions.shape)}",
        )
    if not options.use_regular_nms and options.max_classes_per_detection > 1:
        raise InputError(
            "Fast NMS gives one class for each detection",
            expected="max_classes_per_detection 1",
            got=options.max_classes_per_detection,
        )
    return background


def _flags(shape: tuple[int, ...]) -> tuple[Flags, bytearray]:
    """Flags of this thread's own, and their bytes: new memory for each image would cost as much as NMS."""
    if getattr(_OF_THREAD, "shape", None) != shape:
        data = bytearray(math.prod(shape))
        _OF_THREAD.shape, _OF_THREAD.flags = shape, (np.frombuffer(data, bool).reshape(shape), data)
    flags: tuple[Flags, bytearray] = _OF_THREAD.flags
    return flags


def _few_places(data: bytearray) -> Indices | None:
    """Where the flags are set, if that is no more often than candidates are compared at once; else None.

    One after another is faster for so few than NumPy's flatnonzero, which goes through all of them twice.
    """
    places: list[int] = []
    place = data.find(1)
    while place >= 0:
        if len(places) == WINDOW:
            return None
        places.append(place)
        place = data.find(1, place + 1)
    return np.array(places, np.int64)


def _of_few(
    encodings: Floats, anchors: Floats, options: PostProcessOptions, candidates: Candidates
) -> tuple[Boxes, Indices, Floats]:
    """The same for no more candidates than are compared at once.

    For the few of a trained detector, NumPy's calls cost more than what they compute: here are fewer.
    """
    boxes, classes, scores = candidates
    if not len(boxes):
        return np.empty((0, 4), np.float32), classes, scores
    order = np.argsort(-scores, kind="stable")
    boxes, classes, scores = boxes[order], classes[order], scores[order]
    corners = decode_boxes(encodings.take(boxes, 0), anchors.take(boxes, 0), options)
    rivals = overlaps(corners, corners, options.nms_iou_threshold)
    if options.use_regular_nms:
        rivals &= classes[:, np.newaxis] == classes
    else:
        # A box's lesser classes fall to its best one, also if it has no area and so overlaps with nothing.
        rivals |= boxes[:, np.newaxis] == boxes
    kept = np.flatnonzero(_survivors(None, rivals))
    if options.use_regular_nms and options.detections_per_class < len(kept):
        kept = kept[_rank_in_group(classes[kept]) < options.detections_per_class]
    kept = kept[: options.max_detections]
    return corners[kept], classes[kept], scores[kept]


class _Every:
    """Every score of a class that reaches the threshold: regular NMS. In the order of boxes, then classes.

    Of a hundred thousand, some hundred are looked at, so the box and the class are computed for those only.
    """

    def __init__(self, predictions: Floats, reached: Flags, background: int) -> None:
        self.scores, self.reached = predictions.reshape(-1), reached.reshape(-1)
        self._columns, self._background = predictions.shape[1], background

    def boxes_and_classes(self, numbers: Indices) -> tuple[Indices, Indices]:
        boxes, columns = np.divmod(numbers, self._columns)
        return boxes, columns - self._background


class _BestOfEachBox:
    """The best class of each box, of equal ones the first, if its score reaches the threshold: fast NMS."""

    def __init__(self, predictions: Floats, reached: Flags, background: int) -> None:
        self._boxes = np.flatnonzero(reached.any(axis=1))
        scores = predictions.take(self._boxes, axis=0)[:, background:]
        self._classes = scores.argmax(axis=1)
        self.scores = scores[np.arange(len(self._boxes)), self._classes]
        self.reached = np.ones(len(self._boxes), bool)

    def boxes_and_classes(self, numbers: Indices) -> tuple[Indices, Indices]:
        return self._boxes[numbers], self._classes[numbers]


def _of_many(
    encodings: Floats, anchors: Floats, options: PostProcessOptions, candidates: _Every | _BestOfEachBox
) -> tuple[Boxes, Indices, Floats]:
    """The same for any number of candidates: a window at a time, until there are detections enough."""
    per_class = options.detections_per_class if options.use_regular_nms else options.max_detections
    kept, kept_classes = np.empty(0, np.int64), np.empty(0, np.int64)
    kept_corners = np.empty((0, 4), np.float32)
    full = np.zeros(options.num_classes, bool) if per_class < options.max_detections else None
    for window in _windows(candidates, full):
        boxes, classes = candidates.boxes_and_classes(window)
        corners = decode_boxes(encodings[boxes], anchors[boxes], options)
        beaten = overlaps(kept_corners, corners, options.nms_iou_threshold)
        rivals = overlaps(corners, corners, options.nms_iou_threshold)
        if options.use_regular_nms:  # the boxes of a class compete; with fast NMS all do
            beaten &= kept_classes[:, np.newaxis] == classes
            rivals &= classes[:, np.newaxis] == classes
        alive = _survivors(beaten, rivals)
        kept = np.concatenate([kept, window[alive]])
        kept_classes = np.concatenate([kept_classes, classes[alive]])
        kept_corners = np.concatenate([kept_corners, corners[alive]])
        if full is not None:
            within = _rank_in_group(kept_classes) < per_class
            kept, kept_classes, kept_corners = kept[within], kept_classes[within], kept_corners[within]
            full[:] = np.bincount(kept_classes, minlength=len(full)) == per_class
        if len(kept) >= options.max_detections:
            break
    most = options.max_detections
    return kept_corners[:most], kept_classes[:most], candidates.scores[kept[:most]]


def _each(predictions: Floats, places: Indices, background: int) -> Candidates:
    """Box, class and value of the scores at flat ``places``, in the order of boxes, then classes."""
    boxes, columns = np.divmod(places, predictions.shape[1])
    return boxes, columns - background, predictions.take(places)


def _windows(candidates: _Every | _BestOfEachBox, full: Flags | None) -> Iterator[Indices]:
    """Numbers of candidates, from the best on; of equal scores the first candidate comes first.

    ``full`` [C], which the caller keeps up to date, tells the classes whose candidates no longer come.
    """
    scores, reached, size = candidates.scores, candidates.reached, SORTED_AT_FIRST
    while number := int(np.count_nonzero(reached)):
        first = reached
        if number > 2 * size:
            # A mask is fast where nearly all of it is true, and slow where that cannot be foreseen.
            dense = number > 0.9 * len(reached)
            values = scores[reached] if dense else scores.take(np.flatnonzero(reached))
            cut = np.partition(values, number - size)[number - size]
            first = reached & (scores >= cut)
        reached = reached ^ first
        order = np.flatnonzero(first)
        order = order[np.argsort(-scores[order], kind="stable")]
        left_out = 0
        while len(order):
            yield order[:WINDOW]
            order = order[WINDOW:]
            if full is not None and left_out < (number := int(np.count_nonzero(full))):
                left_out = number
                order = order[~full[candidates.boxes_and_classes(order)[1]]]
        if left_out and full is not None:
            others = np.flatnonzero(reached)
            reached[others] = ~full[candidates.boxes_and_classes(others)[1]]
        size *= 16


def _survivors(beaten: Flags | None, rivals: Flags) -> Flags:
    """Which of a window's W candidates stay.

    ``beaten`` [K, W]: those that a box kept earlier suppresses, None if none was; ``rivals`` [W, W]: those
    that would suppress each other, best first.
    """
    number = len(rivals)
    alive: list[bool] = [True] * number if beaten is None else np.asarray(~beaten.any(axis=0)).tolist()
    better, worse = np.divmod(np.flatnonzero(rivals & BETTER[:number, :number]), number)
    # From the best on: when its turn comes, all that could suppress it have had theirs.
    for first, second in zip(better.tolist(), worse.tolist(), strict=True):
        if alive[first]:
            alive[second] = False
    return np.array(alive)


def _rank_in_group(groups: Indices) -> Indices:
    """How many of the same group stand before each element."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return ranks
