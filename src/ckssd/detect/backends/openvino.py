"""An SSD's IR run by OpenVINO: the network and its DetectionOutput in one graph, settings in its meta."""

from __future__ import annotations

from collections.abc import Sequence

from ckssd.detect.backends import Feeding, PostProcessing
from ckssd.detect.openvino import IRModel, OpenVINODetector, read_ir, with_score_threshold, with_thresholds
from ckssd.detect.own_nms import BY
from ckssd.errors import UsageError
from ckssd.graph.settings import DETECTION_OUTPUT, NMS, NONE
from ckssd.model.description import Model

BY_KIND = {DETECTION_OUTPUT: "DetectionOutput", NMS: "NonMaxSuppression", NONE: BY}

SIGNED = (
    "OpenVINO rounds this int8 model otherwise on processors with AMX, as this one, than on others: scores "
    "and mAP differ by some hundredths (ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI computes as the others do)"
)


class OpenVINOBackend:
    """An IR of ``ckssd mo``."""

    libraries = ("openvino",)
    notes: tuple[str, ...] = ()

    def __init__(self, model: IRModel) -> None:
        self.files = model.files
        self.input = model.input
        self.num_classes = model.num_classes
        self.precision = model.precision
        by = BY_KIND[model.nms] + (f", soft_nms_sigma {model.soft_sigma:g}" if model.soft_sigma else "")
        self.postprocessing = PostProcessing(
            by=f"{by}, scores by {model.activation}",
            nms="fast" if model.class_agnostic else "regular",
            score_threshold=model.score_threshold,
            iou_threshold=model.iou_threshold,
            max_detections=model.keep_top_k,
            detections_per_class=model.per_class,
            max_classes_per_detection=1 if model.class_agnostic else model.num_classes,
            scales_yxhw=model.scales_yxhw,
        )
        self._model = model

    def new_detector(self, threads: int) -> OpenVINODetector:
        """Compile the network once more."""
        detector = OpenVINODetector(self._model, threads)
        if detector.signed_layers:
            self.notes = (SIGNED,)
        return detector

    def swept(self, score_threshold: float, nms_ious: Sequence[float]) -> OpenVINOBackend:
        """See Sweepable: with NMS in the IR, for one IoU threshold only, its own."""
        if self._model.postprocessing is not None:
            return OpenVINOBackend(with_thresholds(self._model, score_threshold, nms_ious))
        if list(nms_ious) != [self.postprocessing.iou_threshold]:
            raise UsageError(
                "The NMS of an IR cannot be swept",
                where=self.files[0],
                expected=f"its own IoU threshold, {self.postprocessing.iou_threshold:g}",
                got=", ".join(f"{iou:g}" for iou in nms_ious),
                advice="leave --nms-iou out, or take the TFLite model",
            )
        return OpenVINOBackend(with_score_threshold(self._model, score_threshold))


def open_model(model: Model, _: Feeding) -> OpenVINOBackend:
    """Read the model of a run.

    Raises
    ------
    InputError
        The file is no IR of ``ckssd mo``, or its ``.bin`` is missing.
    """
    return OpenVINOBackend(read_ir(model.file))
