"""What does NMS in the IR, and with which thresholds and limits: each value with its origin.

DetectionOutput takes those of the configuration before the graph's, as Model Optimizer did. What is built to
be exactly TensorFlow's NMS takes the graph's before the configuration's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ckssd.errors import InputError
from ckssd.graph.match import SubgraphMatch
from ckssd.graph.replacement import Context
from ckssd.graph.settings import AUTO, DETECTION_OUTPUT, NMS, Setting, first_stated
from ckssd.graph.ssd.suppression import Suppression, refuse_soft

OPERATION = "DetectionOutput"
CODE_TYPE = "caffe.PriorBoxParameter.CENTER_SIZE"
# Model Optimizer wrote these into its IR; today's operation has no such attributes and resizes nothing.
WITHOUT_EFFECT = ("pad_mode", "resize_mode")
NUMBERS = ("confidence_threshold", "nms_threshold", "top_k", "keep_top_k")
FLAGS = {"clip_after_nms": True, "clip_before_nms": False}
# Below this, DetectionOutput takes longer than the network: a second per image at 1e-8, with 90 classes.
SLOW_THRESHOLD = 1e-3
DROPPED = "dropped"
CONFIGURATION = "configuration, "
ALL = Setting(-1, "all: TensorFlow has no such limit")


def choose_postprocessing(context: Context, found: Suppression, source: str) -> str:
    """Decide what does NMS: DETECTION_OUTPUT, NMS or NONE; note it with the reason.

    Raises
    ------
    InputError
        If the graph suppresses in a way that what was asked for cannot.
    """
    asked = context.request.postprocessing
    reasons = list(_beyond_detection_output(context, found))
    if asked == AUTO:
        same = "it does what the graph's NMS does, with the limits below"
        decided = Setting(NMS, "; ".join(reasons)) if reasons else Setting(DETECTION_OUTPUT, same)
    else:
        decided = Setting(asked, "command line, --postprocessing")
    if decided.value != NMS:
        _refuse_other_ways(found, source, decided.value)
    context.settings["postprocessing"] = decided
    return str(decided.value)


def _beyond_detection_output(context: Context, found: Suppression) -> Iterator[str]:
    """What of the graph's NMS DetectionOutput has not."""
    if found.soft_sigma:
        yield f"soft NMS, soft_nms_sigma {found.soft_sigma:g}"
    if found.class_agnostic:
        yield "class-agnostic NMS"
        return
    per_class, total = (_first(each) for each in (_per_class(context, found), _total(context, found)))
    if per_class is not None and total is not None and per_class < total:
        yield f"at most {per_class} detections of a class, {total} in all"


def _refuse_other_ways(found: Suppression, source: str, kind: str) -> None:
    able = OPERATION if kind == DETECTION_OUTPUT else "this project's NMS"
    refuse_soft(found, source, able, "--postprocessing nms does what the graph does")
    if found.class_agnostic:
        raise InputError(
            "The graph suppresses boxes of all classes together (class-agnostic NMS), "
            f"{able} only those of one class",
            where=source,
            expected="use_class_agnostic_nms: false in the pipeline.config of its export",
            advice="--postprocessing nms does what the graph does; for TFLite, "
            "ckssd export --frozen_graph --nms fast",
        )


def decide_limits(context: Context, match: SubgraphMatch, found: Suppression, kind: str) -> dict[str, Any]:
    """Note thresholds and limits in the context, and return DetectionOutput's attributes."""
    custom = match.custom_replacement_desc.custom_attributes
    check_custom(custom, match.custom_replacement_desc.where)
    settings = context.settings
    for name in NUMBERS:
        settings[name] = first_stated(name, _candidates(context, match, found, kind, name))
    for name, value in FLAGS.items():
        stated = (custom.get(name), CONFIGURATION + match.custom_replacement_desc.id)
        settings[name] = first_stated(name, [stated, (value, "as the Object Detection API does it")])
    if kind == DETECTION_OUTPUT:
        _note_limit(context, found)
    else:
        _limit_classes(context, found, kind)
    return {
        **{name: float(settings[name].value) for name in NUMBERS[:2]},
        **{name: int(settings[name].value) for name in NUMBERS[2:]},
        **{name: bool(settings[name].value) for name in FLAGS},
        "code_type": CODE_TYPE,
    }


def _candidates(
    context: Context, match: SubgraphMatch, found: Suppression, kind: str, name: str
) -> list[tuple[Any, str]]:
    """Values of one attribute with their origins, the strongest first."""
    request, stated = context.request, match.custom_replacement_desc
    pipeline = request.pipeline
    in_pipeline = {
        "confidence_threshold": pipeline and pipeline.nms("score_threshold"),
        "nms_threshold": pipeline and pipeline.nms("iou_threshold"),
        "keep_top_k": pipeline and pipeline.nms("max_total_detections"),
    }
    in_graph = {
        "confidence_threshold": found.score_threshold,
        "nms_threshold": found.iou_threshold,
        "keep_top_k": found.total,
    }
    configured = (stated.custom_attributes.get(name), CONFIGURATION + stated.id)
    model = [(in_pipeline.get(name), "pipeline.config"), (in_graph.get(name), found.origin)]
    return [
        (request.overrides.get(name), f"command line, --{name}"),
        *([*model, configured] if kind == NMS else [configured, *model]),
        # TensorFlow sorts all boxes of a class, whatever their number.
        (ALL.value if name == "top_k" else None, ALL.origin),
    ]


def _per_class(context: Context, found: Suppression) -> list[tuple[int | None, str]]:
    """What is kept of a class at most, the strongest origin first."""
    pipeline = context.request.pipeline
    stated = pipeline.nms("max_detections_per_class") if pipeline else None
    return [(None if stated is None else int(stated), "pipeline.config"), (found.per_class, found.origin)]


def _total(context: Context, found: Suppression) -> list[tuple[int | None, str]]:
    pipeline = context.request.pipeline
    stated = pipeline.nms("max_total_detections") if pipeline else None
    return [(None if stated is None else int(stated), "pipeline.config"), (found.total, found.origin)]


def _first(candidates: list[tuple[int | None, str]]) -> int | None:
    return next((value for value, _ in candidates if value is not None), None)


def _limit_classes(context: Context, found: Suppression, kind: str) -> None:
    """What TensorFlow's NMS has and DetectionOutput has not; and the other way round."""
    settings = context.settings
    keep = int(settings["keep_top_k"].value)
    candidates = _per_class(context, found) if kind == NMS else [(found.per_class, found.origin)]
    if found.class_agnostic:
        candidates = []  # boxes of all classes are one
    settings["detections_per_class"] = first_stated(
        "detections_per_class", [*candidates, (keep, "as many as in all")]
    )
    if kind == NMS:
        settings["soft_nms_sigma"] = Setting(found.soft_sigma, found.origin)
        settings["class_agnostic"] = Setting(found.class_agnostic, found.origin)
        settings["boxes_without_area"] = Setting(DROPPED if found.drops_empty else "kept", found.origin)
    if settings["top_k"].value != -1:
        context.notes.append(f"top_k {settings['top_k']} does not count without {OPERATION}")
    settings["top_k"] = ALL


def _note_limit(context: Context, found: Suppression) -> None:
    settings = context.settings
    threshold, keep = settings["confidence_threshold"].value, int(settings["keep_top_k"].value)
    if threshold < SLOW_THRESHOLD and settings["top_k"].value == -1:
        context.notes.append(
            f"at the score threshold {threshold:g} nearly every box enters NMS, which takes time: "
            "--confidence_threshold or --top_k help"
        )
    for name, other in _over_the_graph(context, found):
        context.notes.append(
            f"{name} {settings[name]} stands above the graph's {other:g}: --postprocessing nms, or --{name}, "
            "takes the graph's"
        )
    if found.per_class is not None and found.per_class < keep:
        context.notes.append(
            f"the graph keeps at most {found.per_class} detections of a class; {OPERATION} has "
            f"no such limit, only {keep} in all: --postprocessing nms has it"
        )


def _over_the_graph(context: Context, found: Suppression) -> Iterator[tuple[str, float]]:
    """Thresholds of the configuration that let other boxes through than the graph's; and the graph's.

    A lower score threshold than the configuration's only adds boxes that few want, so it is not told.
    """
    settings = context.settings
    configured = [name for name in NUMBERS[:2] if settings[name].origin.startswith(CONFIGURATION)]
    score, iou = found.score_threshold, found.iou_threshold
    if NUMBERS[0] in configured and score is not None and score > settings[NUMBERS[0]].value:
        yield NUMBERS[0], score
    if NUMBERS[1] in configured and iou is not None and iou != settings[NUMBERS[1]].value:
        yield NUMBERS[1], iou


def check_custom(custom: Mapping[str, Any], where: str) -> None:
    """Attributes that nobody knows would be ignored silently; bad values would fail far from here."""
    known = (*NUMBERS, *FLAGS, "code_type", *WITHOUT_EFFECT)
    for name, value in custom.items():
        place = f"{where}, custom_attributes, {name}"
        if name not in known:
            raise InputError("Unknown custom attribute", where=place, expected=f"one of {', '.join(known)}")
        if name == "code_type" and value != CODE_TYPE:
            raise InputError(
                "The box coder's encodings are of another type", where=place, expected=CODE_TYPE, got=value
            )
        if name in FLAGS and not isinstance(value, bool):
            raise InputError("Bad custom attribute", where=place, expected="true or false", got=value)
        if name in NUMBERS:
            check_number(name, value, place)


def check_number(name: str, value: object, where: str) -> None:
    """Raise InputError for a threshold outside 0 … 1, or a limit that is no whole number from 1 (-1: all)."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if name.endswith("threshold"):
        good = numeric and 0 <= value <= 1  # type: ignore[operator]
        expected = "a number from 0 to 1"
    else:
        good = numeric and isinstance(value, int) and (value >= 1 or (name == "top_k" and value == -1))
        expected = "a whole number of at least 1" + (", or -1 for all" if name == "top_k" else "")
    if not good:
        raise InputError("Bad custom attribute", where=where, expected=expected, got=value)
