"""A report's data: what ``ckssd report --json`` prints and the page embeds (docs/schema/report.json)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ckssd
from ckssd.coco.metric_types import COCO, TITLES
from ckssd.coco.written import of
from ckssd.measure.published import AGREES_WITHIN, Published, why_not_comparable
from ckssd.visual.run_folder import RunFolder
from ckssd.visual.times import describe_times

FORMAT = 1
LONGEST = 120  # letters of a question
# Settings in the order in which people ask for them; what is not named comes last, by name.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Model",
        (
            *("model_name", "model_file", "model_sha256", "model_bytes", "runtime", "precision"),
            *("input_size", "normalisation", "channel_order", "labels", "class_map"),
        ),
    ),
    (
        "Data",
        (
            *(
                "dataset_type",
                "images",
                "images_available",
                "images_skipped",
                "images_unreadable",
                "image_order",
            ),
            *("annotations_sha256", "image_orientation", "decoder", "resize", "preprocessed_cache"),
        ),
    ),
    (
        "Postprocessing",
        (
            *("nms", "postprocessed_by", "score_threshold", "iou_threshold", "max_detections"),
            *("detections_per_class", "max_classes_per_detection", "boxes", "custom_settings"),
        ),
    ),
    ("Measurement", ("metric", "metrics_tool", "mode", "threads", "postprocess_threads", "batch_size")),
)
LEFT_OUT = ("versions", "machine", "model_files", "resize_method", "scales_yxhw")


def report_data(runs: Sequence[dict[str, Any]], comparison: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole report of one run or several; ``comparison``: what they have beside each other."""
    return {
        "format": FORMAT,
        "ckssd": ckssd.__version__,
        "question": _question(runs, comparison),
        "runs": list(runs),
        "comparison": comparison,
    }


def describe_run(name: str, folder: RunFolder, accuracy: dict[str, Any] | None) -> dict[str, Any]:
    """One run.

    Parameters
    ----------
    name
        What the report calls it.
    accuracy
        What ckssd.coco.analysis found, or None.
    """
    record, settings = folder.record, folder.record["settings"]
    times = folder.times
    return {
        "name": name,
        "answer": _answer(record, accuracy),
        "published": _published(record),
        "facts": _facts(settings),
        "machine": {key: value for key, value in settings.get("machine", {}).items() if "memory" not in key},
        "memory": {key: value for key, value in settings.get("machine", {}).items() if "memory" in key},
        "versions": settings.get("versions", {}),
        "per_class": _by_ap(record.get("per_class", {})),
        "accuracy": accuracy,
        "times": describe_times(record, times) if times.image_ids else None,
        "start": {
            name: record.get("run_time_state", {}).get(name)
            for name in ("setup_time_s", "start_to_first_detection_s", "test_time_s", "processor_time_s")
        },
        "missing": dict(folder.missing),
        "notes": [str(note) for note in record.get("notes", [])],
    }


def _question(runs: Sequence[dict[str, Any]], comparison: dict[str, Any] | None) -> str:
    if comparison is not None:
        names = [str(row["name"]) for row in comparison["rows"]]
        asked = f"Which finds objects best, and which fastest: {', '.join(names[:-1])} or {names[-1]}?"
        return (
            asked
            if len(asked) <= LONGEST
            else f"Which of {len(names)} finds objects best, and which fastest?"
        )
    answer = runs[0]["answer"]
    pictures = of(answer["images"], "picture")
    return (
        f"How well, and how fast, does {answer['model']} on {answer['runtime']} find objects in {pictures}?"
    )


def _answer(record: dict[str, Any], accuracy: dict[str, Any] | None) -> dict[str, Any]:
    settings = record["settings"]
    metric = settings.get("metric", COCO)
    return {
        "model": settings.get("model_name") or settings.get("model_file") or "the model",
        "runtime": settings.get("runtime", "an unknown runtime"),
        "precision": settings.get("precision", ""),
        "data_set": settings.get("dataset_type", ""),
        "images": settings.get("images") or record.get("images") or 0,
        "mode": settings.get("mode", ""),
        "metric": metric,
        "metric_title": TITLES.get(metric, metric),
        "mAP": record["mAP"],
        "recall": record["recall"],
        "images_per_second": record["images_per_second"],
        "latency_median_s": record.get("detection_time_median_s"),
        "detections": record.get("detections"),
        "best": None if accuracy is None else accuracy["thresholds"]["best"],
    }


def _published(record: dict[str, Any]) -> dict[str, Any]:
    """Published figures with whether they agree, or why there is nothing to compare with."""
    settings = record["settings"]
    known = Published.from_mapping(record["published"]) if record.get("published") else None
    reason = why_not_comparable(
        known,
        dataset_type=settings.get("dataset_type", ""),
        images=settings.get("images", 0),
        score_threshold=settings.get("score_threshold", 0.0),
        metric=settings.get("metric", COCO),
    )
    if known is None or reason is not None:
        return {"reason": reason, "within": AGREES_WITHIN, "figures": []}
    pairs = (("mAP", known.mean_average_precision, record["mAP"]), ("Recall", known.recall, record["recall"]))
    figures = [
        {"name": name, "published": theirs, "measured": ours, "agrees": abs(ours - theirs) <= AGREES_WITHIN}
        for name, theirs, ours in pairs
    ]
    return {"reason": None, "within": AGREES_WITHIN, "figures": figures}


def _facts(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Settings in groups; what is empty says nothing and is left out."""
    named = {name for _, names in GROUPS for name in names}
    rest = tuple(sorted(settings.keys() - named - set(LEFT_OUT)))
    return [
        {
            "group": group,
            "facts": [{"name": name, "value": settings[name]} for name in names if _says(settings, name)],
        }
        for group, names in (*GROUPS, ("More", rest))
        if any(_says(settings, name) for name in names)
    ]


def _by_ap(per_class: dict[str, float | None]) -> dict[str, float | None]:
    """The best first; classes without objects, whose AP is not defined, last."""
    order = sorted(per_class.items(), key=lambda one: (one[1] is not None, one[1] or 0.0), reverse=True)
    return dict(order)


def _says(settings: dict[str, Any], name: str) -> bool:
    return settings.get(name) not in (None, "", [])
