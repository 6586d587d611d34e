"""A stand-in for a published checkpoint: its structure to the byte, with seeded random weights.

It says nothing about accuracy; it serves speed and the equality of runtimes where the original cannot be
downloaded. The work is done by ``inside/seeded_checkpoint.py`` in an environment with TensorFlow, and for
the networks of TensorFlow 2 by ``inside/seeded_tf2_checkpoint.py``.
"""

from __future__ import annotations

from pathlib import Path

from ckssd.errors import UsageError
from ckssd.graph.pipeline import read_pipeline
from ckssd.tflite.exported import FILES, FILES_2, Exported, export_model
from ckssd.tflite.process import check_file

LEAST_IMAGES = 8


def make_seeded_checkpoint(
    python: Path, obj_det_dir: Path, pipeline_config: Path, out_dir: Path, *, seed: int, images: int
) -> Exported:
    """Make a model folder like a published one from an SSD configuration and a seed.

    `out_dir` then holds the files of the exporter, that of TensorFlow 2 for a network of it. The same seed
    gives the same weights, bit for bit, with the same TensorFlow on the same kind of processor.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API.
    pipeline_config
        The configuration of an SSD with a convolutional box predictor; if its feature extractor is one of
        Keras, the model is one of TensorFlow 2.
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
    check_file(pipeline_config, "the pipeline configuration")
    tensorflow_2 = read_pipeline(pipeline_config).is_tensorflow_2()
    return export_model(
        "seeded_tf2_checkpoint.py" if tensorflow_2 else "seeded_checkpoint.py",
        python,
        obj_det_dir,
        pipeline_config,
        out_dir,
        {"seed": seed, "images": images},
        FILES_2 if tensorflow_2 else FILES,
    )
