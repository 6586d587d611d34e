"""Latency of an IR without NMS with ours behind it, and of another IR with its own, images in turn.

own_nms_and_ir.py IMAGES.npz NONE.xml IR.xml prints JSON: the seconds of each. One thread, float32; the first
image runs once before.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import openvino
from openvino_latency import SETTINGS

from ckssd.detect.openvino import OpenVINODetector, read_ir

images = np.load(sys.argv[1])
ours = OpenVINODetector(read_ir(Path(sys.argv[2])))
request = openvino.Core().compile_model(sys.argv[3], "CPU", SETTINGS).create_infer_request()
kind = request.get_input_tensor().element_type.to_dtype()
seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
for number, name in enumerate([images.files[0], *images.files]):
    image = images[name][np.newaxis]
    fed, theirs = image.astype(np.float32), image.astype(kind)
    began = time.perf_counter()
    ours.detect(fed)
    middle = time.perf_counter()
    request.infer([theirs], share_inputs=True)
    ended = time.perf_counter()
    if number:
        seconds["ours"].append(middle - began)
        seconds["theirs"].append(ended - middle)
print(json.dumps(seconds))
