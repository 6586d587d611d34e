"""Our NMS and TFLite's kernel in turn, on a full-size model's outputs for some images; prints JSON.

python nms_and_kernel.py MODEL ANCHORS IMAGES NUMBER [THRESHOLD …]
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.boxes import read_anchors
from ckssd.detect.images import read_image
from ckssd.detect.litert import network_input
from ckssd.detect.nms import postprocess
from ckssd.detect.resize import resize
from ckssd.tflite.model import cut_model, detection_options, read_model, with_options

THRESHOLDS = (0.3, 1e-5)


def interpreter_of(model: bytes) -> Interpreter:
    """Loaded, with one thread."""
    made = Interpreter(model_content=model, num_threads=1)
    made.allocate_tensors()
    return made


def raw_outputs(model_path: Path, images: list[Path]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Box encodings and class predictions of each image."""
    model = read_model(model_path)
    fed = network_input(model)
    network = interpreter_of(cut_model(model).convolutions)
    outputs = []
    for path in images:
        tensor = fed.feed(resize(read_image(path), fed.width, fed.height))
        network.set_tensor(network.get_input_details()[0]["index"], tensor)
        network.invoke()
        boxes, classes = (network.get_tensor(d["index"]) for d in network.get_output_details())
        outputs.append((boxes, classes))
    return outputs


def compare(model_path: Path, anchors: np.ndarray, outputs: list, nms: str, threshold: float) -> dict:
    """Median milliseconds of each, and on how many images they differ."""
    model = read_model(model_path)
    options = dataclasses.replace(
        detection_options(model), use_regular_nms=nms == "regular", nms_score_threshold=threshold
    )
    kernel = interpreter_of(cut_model(with_options(model, options)).postprocess)
    inputs = [detail["index"] for detail in kernel.get_input_details()]
    seconds: dict[str, list[float]] = {"kernel": [], "ours": []}
    unequal = 0
    for encodings, predictions in outputs:
        kernel.set_tensor(inputs[0], encodings)
        kernel.set_tensor(inputs[1], predictions)
        start = time.perf_counter()
        kernel.invoke()
        seconds["kernel"].append(time.perf_counter() - start)
        copies = encodings.copy(), predictions.copy()  # as fresh in the processor's cache as the kernel's
        start = time.perf_counter()
        found = postprocess(*copies, anchors, options)
        seconds["ours"].append(time.perf_counter() - start)
        *theirs, count = (kernel.get_tensor(detail["index"]) for detail in kernel.get_output_details())
        valid = int(count[0])
        unequal += not all(np.array_equal(a, b[0, :valid]) for a, b in zip(found, theirs, strict=True))
    return {
        "nms": nms,
        "threshold": threshold,
        "unequal_images": unequal,
        "candidates": float(np.mean([np.sum(scores[..., 1:] >= threshold) for _, scores in outputs])),
        **{f"{name}_ms": median(values) * 1e3 for name, values in seconds.items()},
    }


def main() -> None:
    """Every kind of NMS at every threshold."""
    model, anchors, folder, number = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    outputs = raw_outputs(model, sorted(folder.iterdir())[:number])
    thresholds = [float(text) for text in sys.argv[5:]] or THRESHOLDS
    cases = [(nms, threshold) for nms in ("regular", "fast") for threshold in thresholds]
    print(json.dumps([compare(model, read_anchors(anchors), outputs, *case) for case in cases]))


if __name__ == "__main__":
    main()
