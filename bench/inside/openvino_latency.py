"""Latency of models with OpenVINO: ``openvino_latency.py IMAGES.npz MODEL…`` prints seconds, a list for each.

A model is an IR or a frozen graph, which OpenVINO then converts by itself. One thread, float32, one image at
a time, every model before the next image: what else the machine does slows all of them. The first image is
run once before, to warm up.
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


def main() -> None:
    """Every model on every image."""
    images_file, *model_files = sys.argv[1:]
    images = np.load(images_file)
    core = openvino.Core()
    requests = [
        core.compile_model(core.read_model(model), "CPU", SETTINGS).create_infer_request()
        for model in model_files
    ]
    seconds: list[list[float]] = [[] for _ in requests]
    for number, name in enumerate([images.files[0], *images.files]):
        for request, times in zip(requests, seconds, strict=True):
            image = images[name][np.newaxis].astype(request.get_input_tensor().element_type.to_dtype())
            began = time.perf_counter()
            request.infer([image], share_inputs=True)
            if number:
                times.append(time.perf_counter() - began)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
