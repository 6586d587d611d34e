"""A stand-in for a published checkpoint: its structure to the byte, with seeded random weights.

It says nothing about accuracy; it serves speed and the equality of runtimes where the original cannot be
downloaded. The work is done by ``inside/seeded_checkpoint.py`` in an environment with TensorFlow.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ckssd.errors import RunError, UsageError
from ckssd.tflite.process import check_file, research_directories, run_tool, tool_environment

FILES = (
    "checkpoint",
    "frozen_inference_graph.pb",
    "model.ckpt.data-00000-of-00001",
    "model.ckpt.index",
    "model.ckpt.meta",
    "pipeline.config",
    "saved_model/saved_model.pb",
)
LEAST_IMAGES = 8


@dataclass(frozen=True)
class Seeded:
    """What was made, and by what.

    Attributes
    ----------
    variables, weights
        Number of variables in the checkpoint, and of numbers in them.
    seconds
        Of the work, with TensorFlow's start.
    tensorflow, python
        Versions in the environment that made it.
    """

    variables: int
    weights: int
    seconds: float
    tensorflow: str
    python: str


def make_seeded_checkpoint(
    python: Path, obj_det_dir: Path, pipeline_config: Path, out_dir: Path, *, seed: int, images: int
) -> Seeded:
    """Make a model folder like a published one from an SSD configuration and a seed.

    `out_dir` then holds the files of ``FILES``. The same seed gives the same weights, bit for bit, with
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
    check_file(pipeline_config, "the pipeline configuration")
    path = research_directories(obj_det_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    script = resources.files("ckssd.tflite") / "inside" / "seeded_checkpoint.py"
    with resources.as_file(script) as script_path, tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        job, result = Path(work) / "job.json", Path(work) / "result.json"
        fields = {
            "pipeline_config": str(pipeline_config.absolute()),
            "output_directory": str(out_dir.absolute()),
            "seed": seed,
            "images": images,
            "result": str(result),
        }
        job.write_text(json.dumps(fields), encoding="ascii")
        run_tool(
            [python, script_path, job], tool_environment(python, path), name="the making of the checkpoint"
        )
        made = Seeded(**json.loads(result.read_text(encoding="ascii")))
    missing = [name for name in FILES if not (out_dir / name).is_file()]
    if missing:
        raise RunError("the exporter left files out", where=out_dir, expected=", ".join(missing))
    return made
