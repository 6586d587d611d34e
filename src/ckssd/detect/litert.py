"""Run a TFLite detection model with LiteRT, giving the same detections with any number of threads.

The model is cut in two (see ckssd.tflite.model): the convolutions run with as many threads as wanted, the
postprocessing operator in a one-thread interpreter of its own, because with several it loses a class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.detections import Detections, from_outputs
from ckssd.errors import InputError
from ckssd.tflite.model import TFLiteModel, cut_model

INPUT_TYPES = {"float32": np.float32, "uint8": np.uint8}


class LiteRTDetector:
    """A detection model, loaded and ready.

    Parameters
    ----------
    model
        A model with TFLite_Detection_PostProcess and one input [1, height, width, 3].
    threads
        For the convolutions; at least 1.

    Raises
    ------
    InputError
        If the model has other inputs, lacks the operator, or LiteRT refuses it.
    """

    def __init__(self, model: TFLiteModel, threads: int = 1) -> None:
        self.model = model
        self.threads = threads
        self.height, self.width = _input_size(model)
        self.dtype = model.inputs[0].dtype
        cut = cut_model(model)
        try:
            self._convolutions = Interpreter(model_content=cut.convolutions, num_threads=threads)
            self._convolutions.allocate_tensors()
            self._postprocess = Interpreter(model_content=cut.postprocess, num_threads=1)
            self._postprocess.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InputError("LiteRT refuses the model", where=model.path, got=str(error)) from error
        self._input = int(self._convolutions.get_input_details()[0]["index"])
        self._wires = list(
            zip(
                _indices(self._convolutions.get_output_details()),
                _indices(self._postprocess.get_input_details()),
                strict=True,
            )
        )
        self._outputs = _indices(self._postprocess.get_output_details())

    def detect(self, image: npt.NDArray[np.float32] | npt.NDArray[np.uint8]) -> Detections:
        """Detect objects in one image [1, height, width, 3], normalised as the model wants it."""
        self._convolutions.set_tensor(self._input, image)
        self._convolutions.invoke()
        for source, target in self._wires:
            # Views are dropped at once: LiteRT does not run while one is alive.
            np.copyto(self._postprocess.tensor(target)(), self._convolutions.tensor(source)())
        self._postprocess.invoke()
        boxes, classes, scores, count = (self._postprocess.get_tensor(index) for index in self._outputs)
        return from_outputs(boxes, classes, scores, count)


def _input_size(model: TFLiteModel) -> tuple[int, int]:
    """Height and width of the model's one image input."""
    fits = (
        len(model.inputs) == 1
        and len(model.inputs[0].shape) == 4
        and model.inputs[0].shape[0] == 1
        and model.inputs[0].shape[3] == 3
        and model.inputs[0].dtype in INPUT_TYPES
    )
    if not fits:
        raise InputError(
            "The model has not the expected input",
            where=model.path,
            expected="one float32 or uint8 tensor [1, height, width, 3]",
            got=", ".join(f"{tensor.name} {tensor.dtype} {list(tensor.shape)}" for tensor in model.inputs)
            or "none",
        )
    return model.inputs[0].shape[1], model.inputs[0].shape[2]


def _indices(details: list[dict[str, int]]) -> list[int]:
    return [int(detail["index"]) for detail in details]
