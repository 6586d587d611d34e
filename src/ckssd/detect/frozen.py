"""Run a frozen detection graph with TensorFlow itself: the reference that other runtimes are compared with.

The graph is one of the Object Detection API's ``export_inference_graph``: its Preprocessor resizes and
normalises, its Postprocessor decodes the boxes and does NMS.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ckssd.detect.detections import Detections, from_frozen_outputs
from ckssd.detect.native_log import without_native_log
from ckssd.detect.network_input import Tensor
from ckssd.errors import InputError

INPUT = "image_tensor"
OUTPUTS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")


class FrozenGraphDetector:
    """A frozen graph, loaded and ready.

    Parameters
    ----------
    path
        ``frozen_inference_graph.pb``.
    threads
        Of TensorFlow's operations, inside one and between them; at least 1.

    Raises
    ------
    InputError
        If the file is missing, no graph, or not of a detection model.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        tf = _tensorflow()
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(_read(tf, path), name="")
        names = [f"{name}:0" for name in (INPUT, *OUTPUTS)]
        try:
            image, *outputs = [graph.get_tensor_by_name(name) for name in names]
        except (KeyError, ValueError) as error:
            raise InputError(
                "The graph is not of a detection model",
                where=path,
                expected=", ".join(names),
                got=str(error.args[0]),
            ) from error
        self._fault = tf.errors.OpError
        self._dtype = image.dtype.as_numpy_dtype
        config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        self._run = tf.Session(graph=graph, config=config).make_callable(outputs, [image])

    def detect(self, image: Tensor) -> Detections:
        """Detect objects in one image [1, height, width, 3] of any size and of 0 to 255, red first."""
        try:
            outputs = self._run(np.asarray(image, dtype=self._dtype))
        except self._fault as error:
            raise RuntimeError(error.message) from error  # as the other runtimes have it
        return from_frozen_outputs(*outputs)


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_native_log():
        import tensorflow

    tf = tensorflow.compat.v1
    tf.disable_eager_execution()
    return tf


def _read(tf: Any, path: Path) -> Any:
    from google.protobuf.message import DecodeError

    definition = tf.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
    except FileNotFoundError:
        raise InputError("The graph is missing", where=path) from None
    except DecodeError as error:
        raise InputError("The file is no TensorFlow graph", where=path, got=str(error)) from error
    return definition
