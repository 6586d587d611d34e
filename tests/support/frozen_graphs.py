"""Frozen graphs of several exporters, and TensorFlow's own detections with them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ckssd.detect.detections import Detections
from ckssd.tflite.export import Checkpoint
from ckssd.tflite.frozen import freeze_step
from ckssd.tflite.process import research_directories, run_steps
from tests.support.inside import load_inside

RUNNER = Path(__file__).resolve().parents[1] / "e2e" / "inside" / "run_frozen_graph.py"
SOFTMAX = "model { ssd { post_processing { score_converter: SOFTMAX } } }"
# What seed 2's configurations state; both have it, legacy_ssd_support.json with another IoU threshold.
SCORE_THRESHOLD, KEPT = 0.01, 200
IOU_THRESHOLD, LEGACY_IOU_THRESHOLD = 0.6, 0.45


def limits(iou_threshold: float = IOU_THRESHOLD) -> str:
    """The change to a pipeline.config that gives TensorFlow the thresholds and limits of the IR."""
    return (
        "model { ssd { post_processing { batch_non_max_suppression {"
        f" score_threshold: {SCORE_THRESHOLD} iou_threshold: {iou_threshold}"
        f" max_detections_per_class: {KEPT} max_total_detections: {KEPT}"
        " } } } }"
    )


def freeze(python: Path, obj_det_dir: Path, wanted: Mapping[Path, tuple[Path, str]]) -> None:
    """Export model folders to frozen graphs: output to folder and configuration override, in one process."""
    steps = [
        freeze_step(Checkpoint.in_directory(folder), output, config_override=override)
        for output, (folder, override) in wanted.items()
    ]
    run_steps(python, steps, research_directories(obj_det_dir, python))


def noise_images(count: int, size: int, seed: int) -> dict[str, np.ndarray]:
    """Structured noise as the seeded checkpoints are made with, but other images; uint8 [size, size, 3]."""
    module = load_inside("seeded_checkpoint")
    return {f"{k}": module.noise_image(module.generator(seed, f"test {k}"), size) for k in range(count)}


def run_frozen_graphs(
    python: Path, graphs: Mapping[str, Path], images: Mapping[str, np.ndarray], folder: Path
) -> dict[str, dict[str, Detections]]:
    """Run graphs on images by TensorFlow; detections by the graph's name, then the image's."""
    return run_each(python, {name: (graph, images) for name, graph in graphs.items()}, folder)


def run_each(
    python: Path, graphs: Mapping[str, tuple[Path, Mapping[str, np.ndarray]]], folder: Path
) -> dict[str, dict[str, Detections]]:
    """The same, each graph on images of its own, in one process."""
    command = [str(python), str(RUNNER)]
    for name, (graph, images) in graphs.items():
        np.savez(folder / f"{name}.npz", **images)
        command += [str(graph), str(folder / f"{name}.npz"), str(folder / f"{name}.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {
        name: {
            image: _detections(found)
            for image, found in json.loads((folder / f"{name}.json").read_bytes()).items()
        }
        for name in graphs
    }


def run_saved_model(
    python: Path, saved_model: Path, images: Mapping[str, np.ndarray], folder: Path
) -> dict[str, Detections]:
    """Run a SavedModel of TensorFlow 2 on images; detections by the image's name."""
    pictures, output = folder / "images.npz", folder / "of the SavedModel.json"
    np.savez(pictures, **images)
    command = [str(python), str(RUNNER.with_name("run_saved_model.py")), str(saved_model), str(pictures)]
    done = subprocess.run([*command, str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {image: _detections(found) for image, found in json.loads(output.read_bytes()).items()}


def _detections(found: Mapping[str, list[float]]) -> Detections:
    return Detections(
        boxes=np.clip(np.array(found["boxes"], np.float32).reshape(-1, 4), 0, 1),
        classes=np.array(found["classes"], np.int64) - 1,
        scores=np.array(found["scores"], np.float32),
    )
