"""What the processor's 8-bit integers allow, and an IR's layers: ``int8_openvino.py IR PASSES``, one thread.

Prints JSON: ``peak_gops`` (operations are multiplications and additions), and for each convolution its name,
kind, what computed it, operations, milliseconds (the least of all passes), and those of all other layers.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

# Of a matrix product of bytes: the largest, and two as pointwise convolutions have them.
SHAPES = ((1024, 1024, 1024), (361, 512, 512), (1444, 256, 256))
CONVOLUTIONS = ("Convolution", "GroupConvolution")
ONE_THREAD = {"INFERENCE_NUM_THREADS": "1", "NUM_STREAMS": "1", "PERF_COUNT": "YES"}


def product(rows: int, inner: int, columns: int) -> ov.Model:
    """A product of [rows, inner] by [inner, columns] whose numbers are quantised as a model's are."""
    random = np.random.default_rng(0)
    fed = ops.parameter([rows, inner], np.float32)
    low, high = np.float32(0), np.float32(2.55)
    quantised = ops.fake_quantize(fed, low, high, low, high, 256)
    whole = ops.constant(random.integers(-127, 128, (inner, columns)).astype(np.int8))
    scale = ops.constant(np.full((1, columns), 0.01, np.float32))
    found = ops.matmul(quantised, ops.multiply(ops.convert(whole, np.float32), scale), False, False)
    return ov.Model([found], [fed])


def least_times(
    compiled: ov.CompiledModel, fed: np.ndarray, passes: int
) -> dict[str, tuple[float, str, str]]:
    """Seconds, kind and kernel of each layer that ran."""
    request = compiled.create_infer_request()
    found: dict[str, tuple[float, str, str]] = {}
    for _ in range(passes):
        request.infer([fed])
        for one in request.profiling_info:
            seconds = one.real_time.total_seconds()
            if one.node_name not in found or seconds < found[one.node_name][0]:
                found[one.node_name] = (seconds, one.node_type, one.exec_type)
    return found


def convolutions(model: ov.Model) -> dict[str, tuple[str, int]]:
    """The kind of each convolution, and its multiplications and additions, by its name."""
    found = {}
    for node in model.get_ops():
        if node.get_type_name() in CONVOLUTIONS:
            outputs = math.prod(node.get_output_shape(0))
            weights = list(node.get_input_shape(1))
            # [out, in, h, w], or [groups, out, in, h, w]
            grouped = node.get_type_name() == "GroupConvolution"
            kind = "depthwise" if grouped else "1x1" if math.prod(weights[-2:]) == 1 else "3x3"
            found[node.get_friendly_name()] = (kind, 2 * outputs * math.prod(weights[-3:]))
    return found


def main() -> None:
    """Measure the peak, then the model."""
    file, passes = Path(sys.argv[1]), int(sys.argv[2])
    core = ov.Core()
    peak = 0.0
    for rows, inner, columns in SHAPES:
        compiled = core.compile_model(product(rows, inner, columns), "CPU", ONE_THREAD)
        fed = np.random.default_rng(1).random((rows, inner), np.float32)
        times = least_times(compiled, fed, passes)
        best = min(seconds for seconds, _, kernel in times.values() if kernel.upper().endswith("I8"))
        peak = max(peak, 2 * rows * inner * columns / best / 1e9)
    model = core.read_model(file)
    shape = [1, *model.inputs[0].get_shape()][-4:]
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(model.inputs[0].element_type.to_dtype())
    compiled = core.compile_model(model, "CPU", ONE_THREAD)
    origins: dict[str, str] = {}
    for node in compiled.get_runtime_model().get_ops():
        names = node.get_rt_info()["originalLayersNames"].astype(str).split(",")
        origins |= dict.fromkeys(names, node.get_friendly_name())
    times = least_times(compiled, pixels, passes)
    layers: list[dict[str, Any]] = []
    counted = set()
    for name, (kind, count) in convolutions(model).items():
        seconds, _, kernel = times[origins.get(name, name)]
        counted.add(origins.get(name, name))
        found = {"name": name, "kind": kind, "kernel": kernel, "operations": count, "ms": seconds * 1e3}
        layers.append(found)
    rest = sum(seconds for name, (seconds, *_) in times.items() if name not in counted) * 1e3
    print(json.dumps({"peak_gops": peak, "layers": layers, "rest_ms": rest}))


if __name__ == "__main__":
    main()
