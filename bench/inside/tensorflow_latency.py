"""Latency of a frozen graph with TensorFlow: ``tensorflow_latency.py IMAGES.npz MODEL`` prints seconds.

One thread, one image at a time; the first image is run three times before, to warm up. The seconds are a list
in a list, as of the one model.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from ckssd.detect.frozen import FrozenGraphDetector

images_file, model_file = sys.argv[1:]
images = np.load(images_file)
inputs = [images[name][np.newaxis] for name in images.files]
detector = FrozenGraphDetector(Path(model_file), threads=1)
for _ in range(3):
    detector.detect(inputs[0])
seconds = []
for image in inputs:
    began = time.perf_counter()
    detector.detect(image)
    seconds.append(time.perf_counter() - began)
print(json.dumps([seconds]))
