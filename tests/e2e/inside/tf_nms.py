"""Non-maximum suppression by TensorFlow's own operations, for cases of an .npz.

python tf_nms.py cases.npz detections.npz

What is around the operations is as in the Object Detection API's core/post_processing.py: classes one after
the other, the best first, clipped to the image, those without an area dropped, the best of all kept.
"""

import sys

import numpy as np
import tensorflow as tf


def suppressed(boxes, scores, per_class, iou, threshold, sigma):
    """Boxes [P, 4] and scores [P, C] to rows class, score, box."""
    rows = []
    for index in range(scores.shape[1]):
        chosen, values = tf.image.non_max_suppression_with_scores(
            boxes, scores[:, index], min(per_class, len(boxes)), iou, threshold, sigma
        )
        for box, score in zip(chosen.numpy(), values.numpy()):
            rows.append([index, score, *boxes[box]])
    return np.array(rows, np.float32).reshape(-1, 6)


def best(rows, total):
    rows[:, 2:] = np.clip(rows[:, 2:], 0, 1)
    area = (rows[:, 4] - rows[:, 2]) * (rows[:, 5] - rows[:, 3])
    rows = rows[area > 0]
    return rows[np.argsort(-rows[:, 1], kind="stable")][:total]


def case(boxes, scores, settings):
    per_class, total, iou, threshold, sigma, agnostic = settings
    if not agnostic:
        return best(suppressed(boxes, scores, int(per_class), iou, threshold, sigma), int(total))
    rows = suppressed(boxes, scores.max(axis=1, keepdims=True), int(total), iou, threshold, sigma)
    classes = np.argmax(scores, axis=1)
    chosen, _ = tf.image.non_max_suppression_with_scores(
        boxes, scores.max(axis=1), min(int(total), len(boxes)), iou, threshold, sigma
    )
    rows[:, 0] = classes[chosen.numpy()]
    return best(rows, int(total))


cases = np.load(sys.argv[1])
count = sum(name.startswith("boxes_") for name in cases.files)
found = {
    f"rows_{k}": case(cases[f"boxes_{k}"], cases[f"scores_{k}"], cases[f"settings_{k}"]) for k in range(count)
}
np.savez(sys.argv[2], **found)
