"""A stand-in for a published checkpoint: its structure to the byte, with seeded random weights.

It says nothing about accuracy; it serves speed and the equality of runtimes where the original cannot be
downloaded. The work is done by ``inside/seeded_checkpoint.py`` in an environment with TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

from ckssd.errors import UsageError
from ckssd.tflite.exported import Exported, export_model

LEAST_IMAGES = 8


def make_seeded_checkpoint(
    python: Path, obj_det_dir: Path, pipeline_config: Path, out_dir: Path, *, seed: int, images: int
) -> Exported:
    """Make a model folder like a published one from an SSD configuration and a seed.

    `out_dir` then holds the files of `export_model`. The same seed gives the same weights, bit for bit, with
    the same TensorFlow on the same kind of processor.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API.
    pipeline_config
        The configuration of an SSD with a convolutional box predictor.
    seed
        What the weights and the noise images are drawn from.
    images
        How many noise images fill the statistics; the smallest feature map has one value of each.

    Raises
    ------
    UsageError
        If there are too few images.
    InputError, NotInstalledError
        If the configuration, the interpreter or the Object Detection API is missing.
    RunError
        If TensorFlow fails, or leaves a file out.
    """
    if images < LEAST_IMAGES:
        raise UsageError("too few images for statistics", expected=f"at least {LEAST_IMAGES}", got=images)
    return export_model(
        "seeded_checkpoint.py",
        python,
        obj_det_dir,
        pipeline_config,
        out_dir,
        {"seed": seed, "images": images},
    )
