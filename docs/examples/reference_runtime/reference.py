"""TFLite models run by LiteRT's reference kernels: slow, and what its optimised kernels are held against."""

from __future__ import annotations

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ckssd.detect.backends import Feeding, PostProcessing
from ckssd.detect.detections import Detections, from_outputs
from ckssd.detect.litert import network_input
from ckssd.detect.network_input import Tensor
from ckssd.model.description import Model
from ckssd.tflite.model import POSTPROCESS, detection_options, read_model
from ckssd.tflite.precision import precision_of


class ReferenceDetector:
    """See Detector. One thread, whatever is asked for: reference kernels have no others."""

    def __init__(self, model: Model) -> None:
        self._interpreter = Interpreter(
            model_path=str(model.file), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3]."""
        self._interpreter.set_tensor(self._input, image)
        self._interpreter.invoke()
        return from_outputs(*(self._interpreter.get_tensor(index) for index in self._outputs))


class ReferenceBackend:
    """See Backend."""

    libraries = ("ai-edge-litert",)

    def __init__(self, model: Model) -> None:
        file = read_model(model.file)
        options = detection_options(file)
        self._model = model
        self.files = (model.file,)
        self.input = network_input(file, normalize=model.normalize)
        self.num_classes = options.num_classes
        self.postprocessing = PostProcessing.from_options(options, by=POSTPROCESS, custom_settings=False)
        self.precision = precision_of(file)
        self.notes = model.notes

    def new_detector(self, threads: int) -> ReferenceDetector:
        """Load the model once more."""
        del threads
        return ReferenceDetector(self._model)


def open_model(model: Model, _: Feeding) -> ReferenceBackend:
    """Read a model; InputError if it is no detector."""
    return ReferenceBackend(model)
