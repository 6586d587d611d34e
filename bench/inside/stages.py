"""Each stage of detection alone on one thread: ``stages.py MODEL IMAGES COUNT RESIZE`` prints mean seconds,
and how much processor time an image took in all of them.

Decode, resize (with normalising), inference and postprocessing, each in a loop of its own over the same
images, so that nothing of one is in the time of another.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ckssd.detect.images import decode_image, read_file
from ckssd.detect.litert import network_input
from ckssd.detect.resize import resize
from ckssd.tflite.model import cut_model, read_model

CHUNK = 50  # decoded images that are held at once


def each(work: Callable[[Any], Any], items: Sequence[Any]) -> tuple[list[Any], float, float]:
    """Results, seconds, and seconds of processor time in all."""
    results = []
    began, used = time.perf_counter(), time.process_time()
    for item in items:
        results.append(work(item))
    return results, time.perf_counter() - began, time.process_time() - used


def interpreter(content: bytes) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
    """A model as a function of its inputs."""
    made = Interpreter(model_content=content, num_threads=1)
    made.allocate_tensors()
    inputs = [detail["index"] for detail in made.get_input_details()]
    outputs = [detail["index"] for detail in made.get_output_details()]

    def run(values: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, value in zip(inputs, values, strict=True):
            made.set_tensor(index, value)
        made.invoke()
        return [made.get_tensor(index) for index in outputs]

    return run


def main(model_file: str, folder: str, count: str, method: str) -> None:
    """Print the mean seconds of each stage."""
    model = read_model(Path(model_file))
    network, cut = network_input(model), cut_model(model)
    convolutions, postprocess = interpreter(cut.convolutions), interpreter(cut.postprocess)
    paths = sorted(Path(folder).glob("*.jpg"))[: int(count)]
    convolutions(
        [
            network.feed(
                resize(decode_image(read_file(paths[0]), paths[0]), network.width, network.height, method)
            )
        ]
    )
    totals = dict.fromkeys(("decode", "resize", "inference", "postprocess"), 0.0)
    processor = 0.0
    for start in range(0, len(paths), CHUNK):
        values: list[Any] = paths[start : start + CHUNK]
        for stage, work in (
            ("decode", lambda path: decode_image(read_file(path), path)),
            ("resize", lambda pixels: [network.feed(resize(pixels, network.width, network.height, method))]),
            ("inference", convolutions),
            ("postprocess", postprocess),
        ):
            values, seconds, used = each(work, values)
            totals[stage] += seconds
            processor += used
    stages = {stage: seconds / len(paths) for stage, seconds in totals.items()}
    print(json.dumps({"stages": stages, "processor": processor / len(paths)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
