"""A TFLite model's layers: ``int8_litert.py MODEL PASSES``, one thread.

LiteRT's Python package has no profiler, so a layer's time is that of the model cut after it less that of the
model cut before it, each the least of all passes in turn. Prints JSON as int8_openvino.py does.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ckssd.tflite.flatbuffer import Table, replace_vector
from ckssd.tflite.model import GRAPH_OPERATORS, GRAPH_OUTPUTS
from ckssd.tflite.signatures import MODEL_SUBGRAPHS

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
Operator = dict[str, Any]


def operators(data: bytes) -> tuple[list[Operator], list[dict[str, Any]]]:
    """The operators in the file's order, and the tensors; as the interpreter without XNNPACK knows them."""
    plain = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    # Only the private list says what an operator is.
    return plain._get_ops_details(), plain.get_tensor_details()


def work(operator: Operator, shapes: dict[int, list[int]]) -> tuple[str, int]:
    """A convolution's kind, and its multiplications and additions."""
    weights = shapes[operator["inputs"][1]]  # [out, h, w, in], of a depthwise one [1, h, w, out]
    outputs = math.prod(shapes[operator["outputs"][0]])
    if operator["op_name"] != "CONV_2D":
        return "depthwise", 2 * outputs * math.prod(weights[1:3])
    return "1x1" if weights[1:3] == [1, 1] else "3x3", 2 * outputs * math.prod(weights[1:])


def cut_after(data: bytes, index: int, output: int) -> bytes:
    """The model up to an operator, whose tensor is the only output."""
    cut = bytearray(data)
    (graph,) = Table.root(cut).tables(MODEL_SUBGRAPHS)
    start, _ = graph.vector(GRAPH_OPERATORS)
    struct.pack_into("<I", cut, start - 4, index + 1)  # a vector's length stands before it
    replace_vector(cut, graph, GRAPH_OUTPUTS, struct.pack("<i", output), 1)
    return bytes(cut)


def interpreters(data: bytes, places: list[tuple[int, int]]) -> list[Interpreter]:
    """One, with an image in it, for each place that the model is cut at; and one for the whole."""
    made = [Interpreter(model_content=cut_after(data, *place), num_threads=1) for place in places]
    made.append(Interpreter(model_content=data, num_threads=1))
    for one in made:
        one.allocate_tensors()
        (image,) = one.get_input_details()
        pixels = np.random.default_rng(1).integers(-128, 128, image["shape"])
        one.set_tensor(image["index"], pixels.astype(image["dtype"]))
    return made


def main() -> None:
    """Cut after every convolution, measure all in turn."""
    data, passes = Path(sys.argv[1]).read_bytes(), int(sys.argv[2])
    found, tensors = operators(data)
    shapes = {tensor["index"]: [int(side) for side in tensor["shape"]] for tensor in tensors}
    convolutions = [(place, one) for place, one in enumerate(found) if one["op_name"] in CONVOLUTIONS]
    ready = interpreters(data, [(place, int(one["outputs"][0])) for place, one in convolutions])
    least = [math.inf] * len(ready)
    for _ in range(passes):
        for index, one in enumerate(ready):
            began = time.perf_counter()
            one.invoke()
            least[index] = min(least[index], time.perf_counter() - began)
    before = [0.0, *least]
    layers = [
        {
            "name": next(each["name"] for each in tensors if each["index"] == one["outputs"][0]),
            "kernel": one["op_name"],
            **dict(zip(("kind", "operations"), work(one, shapes), strict=True)),
            "ms": (after - earlier) * 1e3,
        }
        for (_, one), (earlier, after) in zip(convolutions, pairwise(before[:-1]), strict=True)
    ]
    print(json.dumps({"layers": layers, "rest_ms": (least[-1] - least[-2]) * 1e3}))


if __name__ == "__main__":
    main()
