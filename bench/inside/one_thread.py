"""Models of one runtime in turn on one thread, network and NMS; prints JSON: name to median milliseconds.

python one_thread.py litert|openvino ROUNDS IMAGE NAME=MODEL …
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from ckssd.detect.images import read_image
from ckssd.detect.resize import resize


def detector_and_input(runtime: str, path: Path) -> tuple[Any, Any]:
    """A loaded model, and what it is fed."""
    if runtime == "openvino":
        from ckssd.detect.openvino import OpenVINODetector, read_ir

        ir = read_ir(path)
        return OpenVINODetector(ir), ir.input
    from ckssd.detect.litert import LiteRTDetector, network_input
    from ckssd.tflite.model import read_model

    model = read_model(path)
    return LiteRTDetector(model), network_input(model)


def main() -> None:
    """Every model once before any runs again; the first round warms up and does not count."""
    runtime, rounds, image = sys.argv[1], int(sys.argv[2]), read_image(Path(sys.argv[3]))
    contenders = {}
    for argument in sys.argv[4:]:
        name, path = argument.split("=", 1)
        detector, fed = detector_and_input(runtime, Path(path))
        contenders[name] = (detector, fed.feed(resize(image, fed.width, fed.height)))
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, (detector, tensor) in contenders.items():
            start = time.perf_counter()
            detector.detect(tensor)
            seconds[name].append(time.perf_counter() - start)
    print(json.dumps({name: median(samples[1:]) * 1e3 for name, samples in seconds.items()}))


if __name__ == "__main__":
    main()
