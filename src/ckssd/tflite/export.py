"""Step 1 of the seed: a checkpoint to ``tflite_graph.pb`` by the Object Detection API's own exporter.

The exporter takes thresholds from the pipeline configuration and limits from its flags; the number of
detections is 10 unless ``--max_detections`` says otherwise, so all of them are always given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import RunError
from ckssd.graph.pipeline import read_pipeline
from ckssd.report import step
from ckssd.staging import staging_folder
from ckssd.tflite.asked import check_asked
from ckssd.tflite.process import check_file, research_directories, run_tool, tool_environment
from ckssd.tflite.resizer import fixed_size_override, keep_beside
from ckssd.tflite.settings import ExportSettings
from ckssd.tflite.trained import check_rewriter

ANCHORS = "flatanchors.txt"
GRAPH = "tflite_graph.pb"
GRAPH_TEXT = "tflite_graph.pbtxt"


@dataclass(frozen=True)
class Checkpoint:
    """A trained model as the Object Detection API keeps it.

    Attributes
    ----------
    pipeline_config
        The text file ``pipeline.config``.
    prefix
        Path of the checkpoint without ``.index`` or ``.data-…``, for example ``…/model.ckpt``.
    """

    pipeline_config: Path
    prefix: Path

    @staticmethod
    def in_directory(directory: Path) -> Checkpoint:
        """The checkpoint of a model folder with the files of a zoo model."""
        return Checkpoint(directory / "pipeline.config", directory / "model.ckpt")

    def check(self) -> None:
        """Raise `InputError` unless the configuration, the index and the data are there."""
        check_file(self.pipeline_config, "the pipeline configuration")
        check_file(self.prefix.with_name(self.prefix.name + ".index"), "the checkpoint's index")
        check_file(self.prefix.with_name(self.prefix.name + ".data-00000-of-00001"), "the checkpoint's data")


def exporter_arguments(checkpoint: Checkpoint, output_directory: Path, settings: ExportSettings) -> list[str]:
    """The flags of ``export_tflite_ssd_graph.py``, as on the seed's page but complete."""
    return [
        "--input_type=image_tensor",
        f"--pipeline_config_path={checkpoint.pipeline_config}",
        f"--trained_checkpoint_prefix={checkpoint.prefix}",
        f"--output_directory={output_directory}",
        "--add_postprocessing_op=true",
        f"--use_regular_nms={'true' if settings.use_regular_nms else 'false'}",
        f"--max_detections={settings.max_detections}",
        f"--max_classes_per_detection={settings.max_classes_per_detection}",
        f"--detections_per_class={settings.per_class}",
        f"--config_override={_override(checkpoint, settings)}",
    ]


def _override(checkpoint: Checkpoint, settings: ExportSettings) -> str:
    return settings.config_override() + fixed_size_override(checkpoint.pipeline_config)


def export_step(checkpoint: Checkpoint, output_directory: Path, settings: ExportSettings) -> dict[str, Any]:
    """The same for ``inside/tflite_steps.py``, which calls the exporter's function in a shared process."""
    return {
        "do": "export",
        "say": f"Export the checkpoint to {GRAPH} ({settings.nms} NMS)",
        "pipeline_config": str(checkpoint.pipeline_config),
        "checkpoint": str(checkpoint.prefix),
        "output_directory": str(output_directory),
        "config_override": _override(checkpoint, settings),
        "max_detections": settings.max_detections,
        "max_classes_per_detection": settings.max_classes_per_detection,
        "detections_per_class": settings.per_class,
        "use_regular_nms": settings.use_regular_nms,
    }


def export_tflite_graph(
    python: Path,
    obj_det_dir: Path,
    checkpoint: Checkpoint,
    output_directory: Path,
    settings: ExportSettings | None = None,
) -> tuple[Path, Path]:
    """Run the Object Detection API's exporter as a process of its own.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API.
    output_directory
        Made if missing; the two files appear there at the end, each at once.

    Returns
    -------
    tuple of Path
        ``tflite_graph.pb`` and ``tflite_graph.pbtxt``.

    Raises
    ------
    InputError
        If a file of the checkpoint is missing, or its configuration asks for another kind of NMS.
    NotInstalledError
        If there is no interpreter or no Object Detection API.
    RunError
        If the exporter fails, or ends without its files.
    """
    settings = settings or ExportSettings()
    checkpoint.check()
    pipeline = read_pipeline(checkpoint.pipeline_config)
    check_asked(pipeline, settings.nms)
    check_rewriter(pipeline, python)
    path = research_directories(obj_det_dir, python)
    step(f"Export the checkpoint to {GRAPH} ({settings.nms} NMS)")
    with staging_folder(output_directory, "tflite_graph") as work:
        arguments = exporter_arguments(checkpoint, work, settings)
        run_tool(
            [python, obj_det_dir / "export_tflite_ssd_graph.py", *arguments],
            tool_environment(python, path),
            name="The Object Detection API's exporter",
            about=checkpoint.prefix,
        )
        made = []
        for name in (GRAPH, GRAPH_TEXT):
            if not (work / name).is_file():
                raise RunError("the exporter made no graph", where=output_directory, expected=name)
            made.append((work / name).replace(output_directory / name))
        keep_beside(checkpoint.pipeline_config, output_directory)
    return made[0], made[1]
