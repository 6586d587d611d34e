"""Run a TFLite model without the postprocessing operator: LiteRT does the network, NumPy the NMS."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.detections import Detections, clipped
from ckssd.detect.litert import network_input
from ckssd.detect.network_input import Tensor
from ckssd.detect.nms import postprocess
from ckssd.errors import InputError
from ckssd.tflite.model import POSTPROCESS, TFLiteModel
from ckssd.tflite.options import PostProcessOptions


class RawLiteRTDetector:
    """A graph that ends in box encodings and class predictions, loaded and ready.

    Parameters
    ----------
    model
        One input [1, height, width, 3]; outputs box encodings [1, A, 4] and class predictions, in this order.
    anchors
        float32 [A, 4]: ycenter, xcenter, h, w.
    options
        What the postprocessing operator would be told.
    threads
        For the network; NMS runs on one.

    Raises
    ------
    InputError
        If the model has other inputs or outputs, or LiteRT refuses it.
    """

    def __init__(
        self,
        model: TFLiteModel,
        anchors: npt.NDArray[np.float32],
        options: PostProcessOptions,
        threads: int = 1,
    ) -> None:
        network_input(model)
        check_outputs(model, anchors, options)
        try:
            self._network = Interpreter(model_content=model.data, num_threads=threads)
            self._network.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InputError("LiteRT refuses the model", where=model.path, got=str(error)) from error
        self._input = int(self._network.get_input_details()[0]["index"])
        self._boxes, self._classes = (int(detail["index"]) for detail in self._network.get_output_details())
        self._anchors, self._options = anchors, options

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3], normalised as the model wants it."""
        self._network.set_tensor(self._input, image)
        self._network.invoke()
        # Views, not copies; they end with this call, because LiteRT does not run while one is alive.
        encodings, predictions = self._network.tensor(self._boxes)(), self._network.tensor(self._classes)()
        return clipped(*postprocess(encodings, predictions, self._anchors, self._options))


def check_outputs(model: TFLiteModel, anchors: npt.NDArray[np.float32], options: PostProcessOptions) -> None:
    """Raise an InputError if the outputs are not those that the anchors and the classes ask for."""
    number, classes = len(anchors), options.num_classes
    shapes = [tensor.shape for tensor in model.outputs]
    fitting = [[(1, number, 4), (1, number, classes + background)] for background in (0, 1)]
    if shapes not in fitting or any(tensor.dtype != "float32" for tensor in model.outputs):
        raise InputError(
            "The model has not the outputs of a graph without NMS",
            where=model.path,
            expected=f"float32 [1, {number}, 4] and [1, {number}, {classes + 1}], for {number} anchors and "
            f"{classes} classes",
            got=", ".join(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in model.outputs),
            advice=f"a graph that ends in {POSTPROCESS} runs with USE_NMS=regular or fast",
        )
