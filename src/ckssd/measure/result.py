"""What a benchmark run gives: times, metrics, and every setting that decides them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ckssd.detect.backends import PostProcessing
from ckssd.measure.detected import DetectedImages
from ckssd.measure.files import HashedFile
from ckssd.measure.published import Published, comparison, why_not_comparable
from ckssd.measure.times import Times


@dataclass(frozen=True)
class RunSettings:
    """What decides a result, read from the model and the data where they say it.

    ``model_files``: all that make up the model, ``model_file`` first (an IR: ``.xml``, then ``.bin``).
    ``model_bytes``: their sum. ``model_sha256``: of their bytes, one file after another (``cat model.xml
    model.bin | sha256sum``), so that a byte of any of them changes it; of a single file, its own.
    """

    runtime: str
    mode: str
    postprocessing: PostProcessing
    precision: str
    resize: str
    resize_method: str
    image_orientation: str
    input_size: tuple[int, int]
    decoder: str
    channel_order: str
    normalisation: str
    labels: str
    class_map: str
    threads: int
    batch_size: int
    images: int
    images_unreadable: int
    images_available: int
    images_skipped: int
    image_order: str
    preprocessed_cache: str
    model_name: str
    model_file: str
    model_files: tuple[HashedFile, ...]
    model_sha256: str
    model_bytes: int
    dataset_type: str
    annotations_sha256: str
    metric: str
    hierarchy: str
    expand: str
    metrics_tool: str
    versions: dict[str, str]
    machine: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, all on one level."""
        fields = asdict(self)
        done = fields.pop("postprocessing")
        renamed = {"postprocessed_by": done.pop("by"), "postprocess_threads": done.pop("threads")}
        return {**fields, **done, **renamed}

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any]) -> RunSettings:
        """The same from JSON, of ``dataclasses.asdict``."""
        made = {
            "postprocessing": postprocessing_from(mapping["postprocessing"]),
            "input_size": tuple(mapping["input_size"]),
            "model_files": tuple(HashedFile(**file) for file in mapping["model_files"]),
        }
        return cls(**{**mapping, **made})

    def measured(self, metrics: dict[str, Any], memory: PeakMemory) -> RunSettings:
        """The same with metrics, which name their tool and its version, and with what memory all took."""
        tool = str(metrics["tool"])
        return replace(
            self,
            metrics_tool=tool,
            versions={**self.versions, tool: str(metrics["tool_version"])},
            machine={**self.machine, **memory.as_dict()},
        )


def postprocessing_from(mapping: dict[str, Any]) -> PostProcessing:
    """The same from JSON, of ``dataclasses.asdict``."""
    return PostProcessing(**{**mapping, "scales_yxhw": tuple(mapping["scales_yxhw"])})


@dataclass(frozen=True)
class PeakMemory:
    """Largest resident memory in MiB, of the process that detects and of the one that computes metrics."""

    detecting: float
    metrics: float

    def as_dict(self) -> dict[str, float]:
        """For JSON: the larger of the two, and each."""
        parts = {"detecting_peak_memory_mb": self.detecting, "metrics_peak_memory_mb": self.metrics}
        whole = {"peak_memory_mb": max(parts.values()), **parts}
        return {name: round(value, 1) for name, value in whole.items()}


def accuracy(metrics: dict[str, Any], detections: DetectedImages) -> dict[str, Any]:
    """What a timer file has of accuracy: of ckssd.coco.metrics.evaluate, and which detections it is of."""
    return {
        "detections": len(detections),
        "detections_sha256": detections.sha256(),
        "mAP": float(metrics["mAP"]),
        "recall": float(metrics["recall"]),
        "metrics": metrics["metrics"],
        "per_class": metrics["per_class"],
    }


@dataclass(frozen=True)
class BenchmarkResult:
    """A finished run: ``detections`` are COCO results, ``metrics`` those of ckssd.coco.metrics."""

    times: Times
    metrics: dict[str, Any]
    settings: RunSettings
    notes: tuple[str, ...]
    detections: DetectedImages
    published: Published | None = None

    @property
    def mean_average_precision(self) -> float:
        """AP at IoU 0.5 to 0.95, COCO's first number; or that of another metric."""
        return float(self.metrics["mAP"])

    @property
    def recall(self) -> float:
        """AR with 100 detections; by other metrics, the share of objects found, meaned over the classes."""
        return float(self.metrics["recall"])

    def against_published(self) -> list[str]:
        """The lines of the summary that compare with published accuracy, or say why they do not."""
        reason = why_not_comparable(
            self.published,
            dataset_type=self.settings.dataset_type,
            images=self.settings.images,
            score_threshold=self.settings.postprocessing.score_threshold,
            metric=self.settings.metric,
        )
        if self.published is None or reason is not None:
            return [f"Published accuracy: nothing to compare with, {reason}"]
        return comparison(self.published, self.mean_average_precision, self.recall)

    def image_times(self) -> dict[str, list[Any]]:
        """Times of each image in seconds, in the order of ``image_ids``: loading, detecting, parts of both.

        Not in as_timer: CK computes statistics of every number there, which takes seconds for so many.
        """
        return {
            "image_ids": self.detections.image_ids,
            "load_s": list(self.times.load),
            "detect_s": list(self.times.detect),
            **{f"{name}_s": list(seconds) for name, seconds in self.times.parts.items()},
        }

    def as_timer(self) -> dict[str, Any]:
        """The content of tmp-ck-timer.json, from which CK takes a run's characteristics."""
        return {
            **self.times.as_timer(),
            "detection_time_total_s": self.times.detect_total,
            "images": self.settings.images,
            **accuracy(self.metrics, self.detections),
            "settings": self.settings.as_dict(),
            "notes": list(self.notes),
            "published": None if self.published is None else asdict(self.published),
        }
