"""What belongs to a model and no variable names: looked for beside its file, under the names that tools give.

The first that is there counts, in the order of these lists, and what was taken is said by whoever reads it.
"""

from __future__ import annotations

from pathlib import Path

from ckssd.tflite.metadata import has_labels

LABELS = (
    "labelmap.pbtxt",
    "label_map.pbtxt",
    "labelmap.txt",
    "label_map.txt",
    "labels.txt",
    "flatlabels.txt",
    "classes.txt",
)
ANCHORS = ("flatanchors.txt", "anchors.txt")
PIPELINE = "pipeline.config"


def find_labels(model: Path) -> Path | None:
    """The label file of a model: named after it, inside it (TFLite metadata), or in its folder."""
    own = [model.with_suffix(suffix) for suffix in (".pbtxt", ".txt", ".names")]
    named = next((path for path in own if path.is_file()), None)
    if named is None and model.suffix.lower() == ".tflite" and has_labels(model):
        return model
    return named or _first(model, LABELS)


def find_anchors(model: Path) -> Path | None:
    """The anchors of a graph without NMS."""
    return _first(model, ANCHORS)


def find_pipeline(model: Path) -> Path | None:
    """The model's pipeline.config."""
    return _first(model, (PIPELINE,))


def _first(model: Path, names: tuple[str, ...]) -> Path | None:
    return next((path for name in names if (path := model.parent / name).is_file()), None)
