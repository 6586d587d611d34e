"""What a user would write: ``plain_loop.py MODEL ANNOTATIONS IMAGES COUNT THREADS`` prints wall seconds.

Pillow, one interpreter, one image after another, results as COCO wants them. Nothing here knows this project.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

model, annotations, folder, count, threads = sys.argv[1:]
with open(annotations) as file:
    images = json.load(file)["images"][: int(count)]

interpreter = Interpreter(model_path=model, num_threads=int(threads))
interpreter.allocate_tensors()
network_input = interpreter.get_input_details()[0]
outputs = [output["index"] for output in interpreter.get_output_details()]
_, height, width, _ = network_input["shape"]

detections = []
began = time.perf_counter()
for entry in images:
    image = Image.open(os.path.join(folder, entry["file_name"])).convert("RGB")
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.float32) / 127.5 - 1.0
    interpreter.set_tensor(network_input["index"], pixels[np.newaxis])
    interpreter.invoke()
    boxes, classes, scores, count = (interpreter.get_tensor(index)[0] for index in outputs)
    for (top, left, bottom, right), kind, score in zip(boxes[: int(count)], classes, scores):
        x, y = left * entry["width"], top * entry["height"]
        detections.append(
            {
                "image_id": entry["id"],
                "category_id": int(kind) + 1,
                "bbox": [
                    float(x),
                    float(y),
                    float(right * entry["width"] - x),
                    float(bottom * entry["height"] - y),
                ],
                "score": float(score),
            }
        )
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "images": len(images), "detections": len(detections)}))
