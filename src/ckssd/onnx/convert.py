"""Frozen SSD graphs to ONNX by tf2onnx: as a whole, and as the network alone with its anchors beside it.

The network alone is what this project's own sub-graph replacement leaves for TFLite: the image goes in
resized and normalised, box encodings and scores come out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ckssd.onnx.model import DETECTION_OUTPUTS
from ckssd.report import step
from ckssd.tflite.export import ANCHORS, GRAPH
from ckssd.tflite.from_frozen import export_frozen
from ckssd.tflite.process import check_file, run_tool, tool_environment

WHOLE, NETWORK = "model.onnx", "model_no_nms.onnx"
OPSET = 17
IMAGE = "image_tensor:0"
NETWORK_INPUT = "normalized_input_image_tensor:0"
NETWORK_OUTPUTS = ("raw_outputs/box_encodings:0", "raw_outputs/class_predictions:0")


def make_onnx_model(python: Path, frozen_graph: Path, out_dir: Path, *, whole: bool = True) -> dict[str, str]:
    """Make ``model_no_nms.onnx``, ``flatanchors.txt`` and ``model.onnx`` of a frozen SSD graph.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow 2 and tf2onnx.
    frozen_graph
        ``frozen_inference_graph.pb``, with its ``pipeline.config`` beside it or not.
    whole
        Whether to make ``model.onnx``, the graph with its NMS: minutes for 90 classes.

    Returns
    -------
    dict
        Versions of what did it.

    Raises
    ------
    InputError
        It is no frozen graph of an SSD.
    NotInstalledError, RunError
        As `ckssd.tflite.process.run_tool`.
    """
    check_file(frozen_graph, "the frozen graph")
    with tempfile.TemporaryDirectory(prefix=".onnx-", dir=out_dir) as folder:
        work = Path(folder)
        export_frozen(frozen_graph, work, nms="none")
        steps = [_step(work / GRAPH, work / NETWORK, NETWORK_INPUT, NETWORK_OUTPUTS)]
        if whole:
            outputs = [f"{name}:0" for name in DETECTION_OUTPUTS]
            steps.append(_step(frozen_graph, work / WHOLE, IMAGE, outputs))
        versions = _run(python, frozen_graph, steps, work)
        for name in (NETWORK, ANCHORS, *([WHOLE] if whole else [])):
            (work / name).replace(out_dir / name)
    return versions


def _step(graph: Path, output: Path, image: str, outputs: Sequence[str]) -> dict[str, Any]:
    return {
        "say": f"Convert to {output.name}",
        "graph": str(graph.absolute()),
        "output": str(output.absolute()),
        "inputs": [image],
        "outputs": list(outputs),
    }


def _run(python: Path, about: Path, steps: Sequence[dict[str, Any]], work: Path) -> dict[str, str]:
    script = resources.files("ckssd.onnx") / "inside" / "onnx_steps.py"
    job, result = work / "job.json", work / "result.json"
    described = {"steps": steps, "opset": OPSET, "result": str(result.absolute())}
    job.write_text(json.dumps(described), encoding="ascii")
    step("Start TensorFlow")
    with resources.as_file(script) as path:
        run_tool([python, path, job], tool_environment(python), name="The conversion to ONNX", about=about)
    versions: dict[str, str] = json.loads(result.read_text(encoding="ascii"))
    return versions
