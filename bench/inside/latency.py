"""What latency mode adds to the interpreter: ``latency.py MODEL IMAGES COUNT THREADS`` prints milliseconds.

Both get the same tensors in turn: the bare interpreter runs ``set_tensor`` and ``invoke`` on the whole model,
ours goes from the tensor to the detections.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median

from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.images import read_image
from ckssd.detect.litert import LiteRTDetector, network_input
from ckssd.detect.resize import resize
from ckssd.tflite.model import read_model


def main(model_file: str, folder: str, count: str, threads: str) -> None:
    """Print the medians of both."""
    model = read_model(Path(model_file))
    network = network_input(model)
    detector = LiteRTDetector(model, int(threads))
    bare = Interpreter(model_path=model_file, num_threads=int(threads))
    bare.allocate_tensors()
    place = bare.get_input_details()[0]["index"]
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for number, path in enumerate(sorted(Path(folder).glob("*.jpg"))[: int(count)]):
        tensor = network.feed(resize(read_image(path), network.width, network.height))
        began = time.perf_counter()
        bare.set_tensor(place, tensor)
        bare.invoke()
        between = time.perf_counter()
        detector.detect(tensor)
        ended = time.perf_counter()
        if number:  # the first one warms up
            times["bare"].append(between - began)
            times["ours"].append(ended - between)
    print(json.dumps({name: median(samples) * 1e3 for name, samples in times.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
