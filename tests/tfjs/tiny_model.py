"""A TensorFlow.js graph model of a few nodes, folded as the converter folds an SSD's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
CONV, DEPTHWISE = "FeatureExtractor/Net/Conv", "FeatureExtractor/Net/Block/depthwise"
PROJECT = "FeatureExtractor/Net/Block/project"
BOX_DEPTHWISE, BOX = "BoxPredictor_0/Box_depthwise", "BoxPredictor_0/Box"


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


@dataclass
class TinyModel:
    """Nodes as in ``model.json`` and values by name; :meth:`write` gives the files."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, Array] = field(default_factory=dict)

    def add(self, op: str, name: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append({"op": op, "name": name, "input": [*inputs], "attr": attributes})
        return name

    def const(self, name: str, value: Array) -> str:
        self.values[name] = value
        return self.add("Const", name)

    def node(self, name: str) -> dict[str, Any]:
        return next(node for node in self.nodes if node["name"] == name)

    def as_json(self) -> dict[str, Any]:
        weights = [
            {"name": name, "shape": list(value.shape), "dtype": value.dtype.name}
            for name, value in self.values.items()
        ]
        manifest = [{"paths": ["shard1of2", "shard2of2"], "weights": weights}]
        return {"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}

    def write(self, folder: Path, content: Mapping[str, Any] | None = None) -> Path:
        """Write the shards, cut at a place inside a number, and ``model.json``; return the latter."""
        data = b"".join(value.tobytes() for value in self.values.values())
        cut = len(data) // 2 - 1
        (folder / "shard1of2").write_bytes(data[:cut])
        (folder / "shard2of2").write_bytes(data[cut:])
        path = folder / "model.json"
        path.write_text(json.dumps(self.as_json() if content is None else content))
        return path


def tiny_ssd() -> TinyModel:
    """A convolution, a block of a depthwise one and a projection beside its input, and a predictor."""
    made = TinyModel()
    last = made.add("Placeholder", "image")
    made.const("Postprocessor/size", np.array([300, 300], np.int32))
    last = made.add(
        "Conv2D", f"{CONV}/c", last, made.const(f"{CONV}/Conv2D/merged_input", numbers(3, 3, 3, 4))
    )
    entered = made.add(
        "Add", f"{CONV}/a", last, made.const(f"{CONV}/BatchNorm/batchnorm/sub", numbers(4, seed=1))
    )
    last = made.add(
        "DepthwiseConv2dNative",
        f"{DEPTHWISE}/d",
        entered,
        made.const(f"{DEPTHWISE}/depthwise_weights", numbers(3, 3, 4, 1)),
    )
    last = made.add(
        "Mul", f"{DEPTHWISE}/m", last, made.const(f"{DEPTHWISE}/BatchNorm/batchnorm/mul", numbers(4, seed=2))
    )
    last = made.add(
        "Add", f"{DEPTHWISE}/a", last, made.const(f"{DEPTHWISE}/BatchNorm/batchnorm/sub", numbers(4, seed=3))
    )
    last = made.add(
        "Conv2D", f"{PROJECT}/c", last, made.const(f"{PROJECT}/Conv2D/merged_input", numbers(1, 1, 4, 4))
    )
    last = made.add("AddN", f"{PROJECT}/both", last, entered)
    last = made.add(
        "Add", f"{PROJECT}/a", made.const(f"{PROJECT}/BatchNorm/batchnorm/sub", numbers(4, seed=4)), last
    )
    last = made.add(
        "DepthwiseConv2dNative",
        f"{BOX_DEPTHWISE}/d",
        last,
        made.const(f"{BOX_DEPTHWISE}/depthwise_weights", numbers(3, 3, 4, 1, seed=5)),
    )
    parts = [
        made.const(f"{BOX_DEPTHWISE}/BatchNorm/{part}", numbers(4, seed=6 + index))
        for index, part in enumerate(("gamma", "beta", "moving_mean", "moving_variance"))
    ]
    last = made.add(
        "FusedBatchNorm", f"{BOX_DEPTHWISE}/n", last, *parts, epsilon={"f": 0.0010000000474974513}
    )
    last = made.add("Conv2D", f"{BOX}/c", last, made.const(f"{BOX}/weights", numbers(1, 1, 4, 8)))
    made.add("BiasAdd", f"{BOX}/b", last, made.const(f"{BOX}/biases", numbers(8)))
    return made
