"""The family's model that was trained quantised: the built-in one with the ranges of such a training.

``contrib.quantize``, which a ``graph_rewriter`` asks for, is in TensorFlow 1 alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.context import ROOT
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import read_graph
from ckssd.graph.node import Node
from ckssd.tflite.process import research_directories, run_tool, tool_environment
from ckssd.tflite.trained import NODES
from tests.support.frozen_graphs import freeze, noise_images
from tests.support.ssd_models import SHAPES

SCRIPT = ROOT / "tests" / "e2e" / "inside" / "quantized_checkpoint.py"
CALIBRATION, SEED = 4, 21
STEPS = 255
# The box coder's scales: 10 for a centre, 5 for a size of which each side moves a half.
SIDE_PER_ENCODING = 1 / 10 + 1 / 5 / 2
SIGMOID_SLOPE = 1 / 4


def make_quantised(folder: Path, graph: Path, python: Path, api: Path) -> None:
    """Make the checkpoint in `folder` and freeze it, by TensorFlow 1.15 and the API of 2020."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "images.npz", **noise_images(CALIBRATION, 300, SEED))
    environment = tool_environment(python, research_directories(api, python))
    words = [python, SCRIPT, SHAPES, folder / "images.npz", folder]
    run_tool(words, environment, name="The quantised checkpoint")
    freeze(python, api, {graph: (folder, "")})


def one_step(graph: Path) -> tuple[float, float]:
    """What one step of the coarsest predictor is: of the image's side at most, and of a score at most."""
    nodes = read_graph(graph)
    boxes = max(_steps(nodes, "BoxEncodingPredictor"))
    return boxes * SIDE_PER_ENCODING, max(_steps(nodes, "ClassPredictor")) * SIGMOID_SLOPE


def _steps(graph: Graph, predictor: str) -> list[float]:
    found = [node for node in graph if node.op.startswith(NODES) and f"/{predictor}/act_quant/" in node.name]
    return [(_number(graph, node, 2) - _number(graph, node, 1)) / STEPS for node in found]


def _number(graph: Graph, node: Node, port: int) -> float:
    """The range's end that a node reads, perhaps by way of an Identity."""
    while node.op != "Const":
        source = node.inputs[port]
        assert source is not None, "a frozen graph is connected"
        node, port = graph.node(source.node), 0
    value = node.constant()
    assert value is not None, "a frozen range is a number"
    return float(value)
