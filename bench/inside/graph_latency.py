"""``graph_latency.py openvino|tensorflow MODEL IMAGES HEIGHT,WIDTH COUNT``: ms per image, one thread.

OpenVINO reads an IR or converts a frozen graph directly; TensorFlow runs the frozen graph.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

import numpy as np
from PIL import Image

runtime, model, folder, size, count = sys.argv[1:]
height, width = (int(side) for side in size.split(","))
OUTPUTS = ["detection_boxes:0", "detection_scores:0", "detection_classes:0", "num_detections:0"]


def openvino_runner():
    """One request of a compiled model."""
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request = compiled.create_infer_request()
    dtype = compiled.input(0).get_element_type().to_dtype()
    return lambda image: request.infer([image.astype(dtype)])


def tensorflow_runner():
    """One session with one thread."""
    import tensorflow

    tf = tensorflow.compat.v1
    definition = tf.GraphDef()
    with open(model, "rb") as stream:
        definition.ParseFromString(stream.read())
    tf.import_graph_def(definition, name="")
    threads = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    session = tf.Session(graph=tf.get_default_graph(), config=threads)
    return lambda image: session.run(OUTPUTS, {"image_tensor:0": image})


if runtime == "tensorflow":
    import tensorflow

    tensorflow.compat.v1.disable_eager_execution()
    run = tensorflow_runner()
else:
    run = openvino_runner()
images = []
for name in sorted(os.listdir(folder))[: int(count)]:
    pixels = Image.open(os.path.join(folder, name)).convert("RGB").resize((width, height))
    images.append(np.asarray(pixels)[np.newaxis])
for image in images[:3]:
    run(image)
milliseconds = []
for image in images:
    began = time.perf_counter()
    run(image)
    milliseconds.append(1000 * (time.perf_counter() - began))
print(json.dumps({"ms": statistics.median(milliseconds)}))
