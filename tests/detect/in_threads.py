"""Detectors of one IR in as many threads, all starting at once: ``in_threads.py MODEL.xml DETECTORS``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np

from ckssd.detect.openvino import OpenVINODetector, read_ir

model, count = read_ir(Path(sys.argv[1])), int(sys.argv[2])
detectors = [OpenVINODetector(model) for _ in range(count)]
together = threading.Barrier(count)


def run(detector: OpenVINODetector) -> None:
    """Detect often enough for every way in which threads can meet."""
    image = np.zeros((1, model.input.height, model.input.width, 3), np.float32)
    together.wait()
    for _ in range(500):
        detector.detect(image)


threads = [threading.Thread(target=run, args=(detector,)) for detector in detectors]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done")
