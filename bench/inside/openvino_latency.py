"""Latency of a model with OpenVINO: ``openvino_latency.py IMAGES.npz MODEL`` prints seconds for each image.

MODEL is an IR or a frozen graph, which OpenVINO then converts by itself. One thread, float32, one image at a
time; the first image is run once before, to warm up.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import openvino

SETTINGS = {
    "INFERENCE_PRECISION_HINT": "f32",
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": "1",
    "INFERENCE_NUM_THREADS": "1",
}

images_file, model_file = sys.argv[1:]
images = np.load(images_file)
core = openvino.Core()
request = core.compile_model(core.read_model(model_file), "CPU", SETTINGS).create_infer_request()
dtype = request.get_input_tensor().element_type.to_dtype()
inputs = [images[name][np.newaxis].astype(dtype) for name in images.files]
request.infer([inputs[0]])
seconds = []
for image in inputs:
    began = time.perf_counter()
    request.infer([image], share_inputs=True)
    seconds.append(time.perf_counter() - began)
print(json.dumps(seconds))
