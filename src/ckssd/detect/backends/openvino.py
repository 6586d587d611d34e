"""An SSD's IR run by OpenVINO: the network and its DetectionOutput in one graph, settings in its meta."""

from __future__ import annotations

from ckssd.detect.backends import Feeding, PostProcessing
from ckssd.detect.openvino import IRModel, OpenVINODetector, read_ir
from ckssd.model.description import Model


class OpenVINOBackend:
    """An IR of ``ckssd mo``."""

    libraries = ("openvino",)
    notes: tuple[str, ...] = ()

    def __init__(self, model: IRModel) -> None:
        self.files = model.files
        self.input = model.input
        self.num_classes = model.num_classes
        self.precision = model.precision
        self.postprocessing = PostProcessing(
            by=f"DetectionOutput, scores by {model.activation}",
            nms="regular",
            score_threshold=model.score_threshold,
            iou_threshold=model.iou_threshold,
            max_detections=model.keep_top_k,
            detections_per_class=model.keep_top_k,
            max_classes_per_detection=model.num_classes,
            scales_yxhw=model.scales_yxhw,
        )
        self._model = model

    def new_detector(self, threads: int) -> OpenVINODetector:
        """Compile the network once more."""
        return OpenVINODetector(self._model, threads)


def open_model(model: Model, _: Feeding) -> OpenVINOBackend:
    """Read the model of a run.

    Raises
    ------
    InputError
        The file is no IR of ``ckssd mo``, or its ``.bin`` is missing.
    """
    return OpenVINOBackend(read_ir(model.file))
