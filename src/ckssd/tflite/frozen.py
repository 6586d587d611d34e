"""A checkpoint to a frozen graph: what TensorFlow itself runs, and what sub-graph replacement begins with.

Published models bring one. This makes it for a checkpoint of one's own, or again by another exporter:
releases of the Object Detection API give the same network under other node names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ckssd.graph.pipeline import read_pipeline
from ckssd.tflite.export import Checkpoint
from ckssd.tflite.process import research_directories, run_steps
from ckssd.tflite.trained import check_rewriter

FROZEN_GRAPH = "frozen_inference_graph.pb"


def export_frozen_graph(
    python: Path, obj_det_dir: Path, checkpoint: Checkpoint, output: Path, *, config_override: str = ""
) -> Path:
    """Export a checkpoint by the Object Detection API, input ``image_tensor`` uint8 [N, H, W, 3].

    The graph's outputs are ``detection_boxes`` [N, M, 4] (ymin, xmin, ymax, xmax as fractions of the image),
    ``detection_scores``, ``detection_classes`` (the first class is 1) and ``num_detections``.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API; its release decides the names
        of the nodes.
    output
        The file to write; its folder is made if missing.
    config_override
        Protobuf text merged into the pipeline configuration.

    Raises
    ------
    InputError
        If a file of the checkpoint is missing.
    NotInstalledError
        If there is no interpreter or no Object Detection API.
    RunError
        If the exporter fails.
    """
    checkpoint.check()
    check_rewriter(read_pipeline(checkpoint.pipeline_config), python)
    path = research_directories(obj_det_dir, python)
    run_steps(python, [freeze_step(checkpoint, output, config_override=config_override)], path)
    return output


def freeze_step(checkpoint: Checkpoint, output: Path, *, config_override: str = "") -> dict[str, Any]:
    """The same for ``inside/tflite_steps.py``, which does several in one process."""
    checkpoint.check()
    output.parent.mkdir(parents=True, exist_ok=True)
    return {
        "do": "freeze",
        "say": f"Export the checkpoint to {output.name}",
        "pipeline_config": str(checkpoint.pipeline_config.absolute()),
        "checkpoint": str(checkpoint.prefix.absolute()),
        "output": str(output.absolute()),
        "config_override": config_override,
    }
