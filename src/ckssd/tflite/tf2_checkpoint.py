"""Checkpoints of TensorFlow 2's Object Detection API: found in a folder, and exported to a SavedModel."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ckssd.errors import InputError, NotInstalledError
from ckssd.graph.pipeline import read_pipeline
from ckssd.tflite.process import check_file, research_directories, run_tool, tool_environment

CONFIG = "pipeline.config"
EXPORTER = "exporter_main_v2.py"
API_TAGS = "model,tensorflow,api,v2022"
_PREFIX = re.compile(r"ckpt-(?P<step>\d+)")


@dataclass(frozen=True)
class Tf2Checkpoint:
    """A configuration, and the path of a checkpoint without ``.index`` or ``.data-…``."""

    pipeline_config: Path
    prefix: Path


def find_checkpoint(folder: Path) -> Path | None:
    """Return the last ``ckpt-N`` of a model's folder, or of ``checkpoint`` in it; None if there is none."""
    found = {
        int(match["step"]): index.with_suffix("")
        for place in (folder, folder / "checkpoint")
        if place.is_dir()
        for index in place.glob("ckpt-*.index")
        if (match := _PREFIX.fullmatch(index.stem))
    }
    return found[max(found)] if found else None


def checkpoint_in(folder: Path, pipeline_config: Path | None = None) -> Tf2Checkpoint:
    """Return the checkpoint of a model's folder with its configuration.

    Raises
    ------
    InputError
        If one of its files is missing.
    """
    prefix = find_checkpoint(folder)
    if prefix is None:
        raise InputError(
            "There is no checkpoint of TensorFlow 2", where=folder, expected="checkpoint/ckpt-0.index"
        )
    config = pipeline_config or next(
        (place / CONFIG for place in (folder, prefix.parent, folder.parent) if (place / CONFIG).is_file()),
        folder / CONFIG,
    )
    if not config.is_file():
        raise InputError(
            "The checkpoint's configuration is missing, and says what its network is",
            where=prefix,
            expected=config,
        )
    check_file(prefix.with_name(f"{prefix.name}.data-00000-of-00001"), "the checkpoint's data")
    return Tf2Checkpoint(config, prefix)


def export_saved_model(python: Path, obj_det_dir: Path, checkpoint: Tf2Checkpoint, folder: Path) -> Path:
    """Export a checkpoint by the API's own exporter once its variables were checked; return the SavedModel.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow 2.
    obj_det_dir
        The directory ``object_detection`` of a prepared API of 2022.
    folder
        Gets ``saved_model``.

    Raises
    ------
    InputError
        If the configuration is not that of an SSD of TensorFlow 2.
    NotInstalledError
        If there is no interpreter, or the API is an older one.
    RunError
        If the checkpoint does not fit its configuration, which names variables; or TensorFlow fails.
    """
    check_architecture(checkpoint.pipeline_config)
    if not (obj_det_dir / EXPORTER).is_file():
        raise NotInstalledError(
            "This Object Detection API does not know models of TensorFlow 2",
            where=obj_det_dir,
            expected=EXPORTER,
            advice=f"ck install package --tags={API_TAGS}",
        )
    path = research_directories(obj_det_dir, python)
    script = resources.files("ckssd.tflite") / "inside" / "export_tf2_checkpoint.py"
    with resources.as_file(script) as script_path, tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        job = Path(work) / "job.json"
        places = {
            "pipeline_config": checkpoint.pipeline_config,
            "checkpoint": checkpoint.prefix,
            "output_directory": folder,
            "result": Path(work) / "result.json",
        }
        absolute = {name: str(place.absolute()) for name, place in places.items()}
        job.write_text(json.dumps(absolute), encoding="ascii")
        run_tool(
            [python, script_path, job],
            tool_environment(python, path),
            name="The Object Detection API's exporter",
            about=checkpoint.prefix,
        )
    return folder / "saved_model"


def check_architecture(pipeline_config: Path) -> None:
    """Raise `InputError` unless a configuration is that of an SSD of TensorFlow 2."""
    pipeline = read_pipeline(pipeline_config)
    kind = pipeline.value("model", "ssd", "feature_extractor", "type") or ""
    if "efficientnet" in kind:
        raise InputError(
            "The configuration is that of EfficientDet, whose network comes from another project",
            where=pipeline_config,
            expected="an SSD of MobileNet or ResNet",
            got=kind,
        )
    if not pipeline.is_tensorflow_2():
        raise InputError(
            "The configuration is that of a model of TensorFlow 1, the checkpoint is one of TensorFlow 2",
            where=pipeline_config,
            expected="a feature extractor whose type ends in _keras",
            got=kind or "none",
        )
