"""What a checkpoint's pipeline.config asks of its NMS, against what TFLite_Detection_PostProcess will do.

The operation suppresses for good and takes its limits from the export. What it cannot do is refused before
TensorFlow starts; limits that became others are noted.
"""

from __future__ import annotations

from collections.abc import Container

from ckssd.errors import InputError
from ckssd.graph.pipeline import Pipeline
from ckssd.tflite.settings import ExportSettings

# By the configuration's names: the attribute of ExportSettings, and the flag and variable that set it.
LIMITS = {
    "max_total_detections": "max_detections",
    "max_detections_per_class": "detections_per_class",
    "max_classes_per_detection": "max_classes_per_detection",
    "score_threshold": "score_threshold",
    "iou_threshold": "iou_threshold",
}
# Below this a threshold lets everything through: the configurations of training have 1e-8.
LEAST_THRESHOLD = 1e-3


def check_asked(pipeline: Pipeline, nms: str) -> None:
    """Raise InputError if the configuration asks for NMS of a kind that the operation cannot do.

    Parameters
    ----------
    nms
        ``regular`` or ``fast``.
    """
    sigma = pipeline.nms("soft_nms_sigma")
    if sigma:
        raise InputError(
            "The model was configured for soft NMS, which TFLite_Detection_PostProcess cannot do",
            where=f"{pipeline.path}, soft_nms_sigma",
            expected=0,
            got=f"{sigma:g}",
            advice="set it to 0 in a copy if hard NMS will do, or leave NMS to your program: "
            "ckssd export --frozen_graph --nms none",
        )
    if pipeline.class_agnostic_nms() and nms == "regular":
        raise InputError(
            "The model was configured for class-agnostic NMS, which regular NMS is not",
            where=f"{pipeline.path}, use_class_agnostic_nms",
            expected="false",
            got="true",
            advice="--nms fast (USE_NMS=fast) suppresses boxes of all classes together",
        )


def notes_on(pipeline: Pipeline, settings: ExportSettings, given: Container[str]) -> tuple[str, ...]:
    """Sentences about the limits that the configuration states and the export sets otherwise.

    Parameters
    ----------
    given
        Attributes of `settings` that somebody chose: about them there is nothing to say.
    """
    notes = []
    for theirs, ours in LIMITS.items():
        asked = pipeline.nms(theirs)
        value = settings.per_class if ours == "detections_per_class" else getattr(settings, ours)
        unlimited = theirs == "score_threshold" and asked is not None and asked < LEAST_THRESHOLD
        if asked is not None and asked != value and ours not in given and not unlimited:
            notes.append(
                f"pipeline.config has {theirs} {asked:g}, the exported graph {value:g}, the default; "
                f"--{ours.replace('_', '-')} sets it"
            )
    return tuple(notes)
