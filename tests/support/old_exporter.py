"""An emulation of the Object Detection API before release 1.6, whose graphs are seed 2's first case.

No exporter of that age is on the Python index. What a graph of that time had otherwise, as seed 2 says it, is
patched into the API of May 2019: the scores are sliced before they are converted (``Postprocessor/Slice``
consumes the logits), detections are clipped to the whole image (no image size from the Preprocessor), and
no identities or raw outputs stand around the Postprocessor. It emulates; it is no genuine old exporter.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ARCHITECTURE = "object_detection/meta_architectures/ssd_meta_arch.py"
CHANGES = (
    ("      box_encodings = tf.identity(box_encodings, 'raw_box_encodings')\n", ""),
    ("      detection_boxes = tf.identity(detection_boxes, 'raw_box_locations')\n", ""),
    (
        "      detection_scores = self._score_conversion_fn(class_predictions)\n"
        "      detection_scores = tf.identity(detection_scores, 'raw_box_scores')\n"
        "      if self._add_background_class or self._explicit_background_class:\n"
        "        detection_scores = tf.slice(detection_scores, [0, 0, 1], [-1, -1, -1])\n",
        "      detection_scores = self._score_conversion_fn(\n"
        "          tf.slice(class_predictions, [0, 0, 1], [-1, -1, -1]))\n",
    ),
    (
        "           clip_window=self._compute_clip_window(preprocessed_images,\n"
        "                                                 true_image_shapes),\n",
        "           clip_window=tf.constant([0, 0, 1, 1], tf.float32),\n",
    ),
    (
        "              tf.to_float(num_detections),\n"
        "          fields.DetectionResultFields.raw_detection_boxes:\n"
        "              tf.squeeze(detection_boxes, axis=2),\n"
        "          fields.DetectionResultFields.raw_detection_scores:\n"
        "              class_predictions\n",
        "              tf.to_float(num_detections)\n",
    ),
)


def emulate_before_1_6(research: Path, target: Path) -> Path:
    """Copy the API of May 2019 and patch it; return the copy's ``object_detection``."""
    shutil.copytree(research, target, ignore=shutil.ignore_patterns("__pycache__"))
    path = target / ARCHITECTURE
    text = path.read_text(encoding="utf-8")
    for old, new in CHANGES:
        assert text.count(old) == 1, f"this is not the source of May 2019, which has once:\n{old}"
        text = text.replace(old, new)
    path.unlink()  # may be a hard link to uv's cache
    path.write_text(text, encoding="utf-8")
    return target / "object_detection"
