"""Run a TFLite model without the postprocessing operator: LiteRT does the network, NumPy the NMS."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.detect.detections import Detections
from ckssd.detect.litert import loaded, network_input
from ckssd.detect.network_input import Tensor
from ckssd.detect.own_nms import OwnPostprocessing, check_outputs
from ckssd.errors import InputError
from ckssd.tflite.activation import class_output
from ckssd.tflite.model import TFLiteModel


class RawLiteRTDetector:
    """A graph that ends in box encodings and class predictions, loaded and ready.

    Parameters
    ----------
    model
        One input [1, height, width, 3]; outputs box encodings [1, A, 4] and class predictions, in any order.
    postprocessing
        What makes detections of them.
    threads
        For the network; NMS runs on one.

    Raises
    ------
    InputError
        If the model has other inputs or outputs, or LiteRT refuses it.
    """

    def __init__(self, model: TFLiteModel, postprocessing: OwnPostprocessing, threads: int = 1) -> None:
        network_input(model)
        check_outputs(model, postprocessing.anchors, postprocessing.options[0])
        try:
            self._network = loaded(model.data, threads)
        except (RuntimeError, ValueError) as error:
            raise InputError("LiteRT refuses the model", where=model.path, got=str(error)) from error
        self._input = int(self._network.get_input_details()[0]["index"])
        outputs = [
            (int(detail["index"]), *detail["quantization"]) for detail in self._network.get_output_details()
        ]
        self._outputs = outputs if class_output(model) else outputs[::-1]
        self._postprocessing = postprocessing

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3], normalised as the model wants it."""
        self._network.set_tensor(self._input, image)
        self._network.invoke()
        # Views, not copies; they end with this call, because LiteRT does not run while one is alive.
        encodings, predictions = (
            _numbers(self._network.tensor(index)(), scale, zero) for index, scale, zero in self._outputs
        )
        return self._postprocessing.detections(encodings, predictions)


def _numbers(values: npt.NDArray[Any], scale: float, zero: int) -> npt.NDArray[np.float32]:
    """What quantised outputs stand for: ``scale * (value - zero)``; float ones as they are."""
    if values.dtype == np.float32:
        return values
    return np.asarray((values.astype(np.float32) - np.float32(zero)) * np.float32(scale), np.float32)
