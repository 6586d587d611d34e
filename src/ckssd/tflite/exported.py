"""A whole exported model, as TensorFlow's detection zoo has them, made by a script where TensorFlow is.

The scripts (``inside/*_checkpoint.py``) differ in where the values of the variables come from.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ckssd.errors import RunError
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
FILES_2 = (
    "checkpoint/checkpoint",
    "checkpoint/ckpt-0.data-00000-of-00001",
    "checkpoint/ckpt-0.index",
    "pipeline.config",
    "saved_model/saved_model.pb",
    "saved_model/variables/variables.data-00000-of-00001",
    "saved_model/variables/variables.index",
)


@dataclass(frozen=True)
class Exported:
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


def export_model(
    script: str,
    python: Path,
    obj_det_dir: Path,
    pipeline_config: Path,
    out_dir: Path,
    fields: Mapping[str, Any],
    files: Sequence[str] = FILES,
) -> Exported:
    """Run a script of ``inside``; `out_dir` then holds these files.

    Parameters
    ----------
    script
        Its file name.
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API.
    pipeline_config
        The configuration of the model.
    fields
        What the script's job has beside configuration, folder and result.
    files
        The files that it has to leave there: ``FILES`` of TensorFlow 1's exporter, ``FILES_2`` of 2's.

    Raises
    ------
    InputError, NotInstalledError
        If the configuration, the interpreter or the Object Detection API is missing.
    RunError
        If the script fails, or leaves a file out.
    """
    check_file(pipeline_config, "the pipeline configuration")
    path = research_directories(obj_det_dir, python)
    out_dir.mkdir(parents=True, exist_ok=True)
    source = resources.files("ckssd.tflite") / "inside" / script
    with resources.as_file(source) as script_path, tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        job, result = Path(work) / "job.json", Path(work) / "result.json"
        places = {
            "pipeline_config": str(pipeline_config.absolute()),
            "output_directory": str(out_dir.absolute()),
            "result": str(result),
        }
        job.write_text(json.dumps({**fields, **places}), encoding="ascii")
        run_tool(
            [python, script_path, job],
            tool_environment(python, path),
            name="The making of the checkpoint",
            about=pipeline_config,
        )
        made = Exported(**json.loads(result.read_text(encoding="ascii")))
    missing = [name for name in files if not (out_dir / name).is_file()]
    if missing:
        raise RunError("the exporter left files out", where=out_dir, expected=", ".join(missing))
    return made
