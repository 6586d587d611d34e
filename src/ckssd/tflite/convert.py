"""Step 2 of the seed: ``tflite_graph.pb`` to TFLite files; and both steps in one process.

Importing TensorFlow costs seconds, the steps hardly one each: what belongs together runs in one process.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ckssd.report import step
from ckssd.staging import staging_folder
from ckssd.tflite.export import GRAPH, GRAPH_TEXT, Checkpoint, export_step
from ckssd.tflite.labels import flat_labels, read_label_map
from ckssd.tflite.process import check_file, research_directories, run_steps
from ckssd.tflite.settings import ExportSettings

REGULAR_NMS = "detect_regular_nms.tflite"
FAST_NMS = "detect_fast_nms.tflite"
NO_NMS = "detect_no_nms.tflite"
ANCHORS = "flatanchors.txt"
LABELS = "flatlabels.txt"
LABEL_MAP = "labelmap.pbtxt"


@dataclass(frozen=True)
class Conversion:
    """One TFLite file to make from a graph, with the postprocessing op or without it (cut).

    With ``calibration`` images it is quantised to 8-bit integers after training: weights by channel,
    activations by the range that these images give them. The input then takes grey levels as they are
    (uint8), so nothing is left to normalise; boxes and scores come out as float32. Half a grey level is
    lost at the input, because -1 to 1 has no exact zero point among the levels.
    """

    output: Path
    postprocess: bool = True
    calibration: tuple[Path, ...] = ()

    def as_step(self, graph: Path) -> dict[str, Any]:
        """The step of ``inside/tflite_steps.py`` that makes it."""
        return {
            "do": "convert",
            "say": f"Convert to {self.output.name}",
            "graph": str(graph),
            "output": str(self.output),
            "postprocess": self.postprocess,
            "calibration": [str(image) for image in self.calibration],
        }


@dataclass(frozen=True)
class Converted:
    """What a conversion made, and by what.

    Attributes
    ----------
    files
        All files made.
    num_anchors, num_classes
        Of the graph; `num_classes` is without background.
    tensorflow, python
        Versions in the environment that converted.
    """

    files: tuple[Path, ...]
    num_anchors: int
    num_classes: int
    tensorflow: str
    python: str


def convert_graph(
    python: Path, graph: Path, conversions: Sequence[Conversion], *, anchors: Path | None = None
) -> Converted:
    """Convert a graph to TFLite files in one process.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    graph
        ``tflite_graph.pb``.
    conversions
        The files to make, in one folder: all of them or, if one fails, none. On TensorFlow 2 the same
        graph gives the same bytes each time. Quantising needs TensorFlow 2.
    anchors
        Where in that folder to write the anchors (``ycenter xcenter h w`` in units of the image), which
        a graph without postprocessing needs; None for nowhere.

    Raises
    ------
    InputError
        If `graph` does not exist.
    RunError
        If TensorFlow fails, or is too old to quantise.
    """
    check_file(graph, "the graph")
    folder = conversions[0].output.parent
    with staging_folder(folder, "tflite") as work:
        staged = [replace(each, output=work / each.output.name) for each in conversions]
        steps = [each.as_step(graph.absolute()) for each in staged]
        learned = run_steps(python, [_anchors_step(graph, work / ANCHORS), *steps])
        files = [made.output.replace(each.output) for made, each in zip(staged, conversions)]
        if anchors:
            files.append((work / ANCHORS).replace(anchors))
    return _converted(files, learned)


def make_tflite_model(
    python: Path,
    obj_det_dir: Path,
    model_dir: Path,
    out_dir: Path,
    settings: ExportSettings | None = None,
    *,
    checkpoint: Checkpoint | None = None,
    label_map: Path | None = None,
) -> Converted:
    """Make the whole TFLite model from a checkpoint: both steps, both kinds of NMS, one process.

    `out_dir` then holds ``detect_regular_nms.tflite``, ``detect_fast_nms.tflite``,
    ``detect_no_nms.tflite``, ``flatanchors.txt``, ``flatlabels.txt``, ``labelmap.pbtxt`` and the
    regular graph ``tflite_graph.pb`` with its text.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API.
    model_dir
        A model folder with the files of a zoo model.
    settings
        Limits and thresholds; ``nms`` does not matter, since both kinds are made.
    checkpoint, label_map
        If they are not ``pipeline.config``, ``model.ckpt`` and ``labelmap.pbtxt`` in `model_dir`.

    Raises
    ------
    InputError
        If a file is missing, or the label map does not fit the model.
    NotInstalledError, RunError
        As `ckssd.tflite.export.export_tflite_graph`.
    """
    settings = settings or ExportSettings()
    checkpoint = checkpoint or Checkpoint.in_directory(model_dir)
    checkpoint.check()
    label_map = label_map or model_dir / LABEL_MAP
    labels = read_label_map(label_map)
    path = research_directories(obj_det_dir)
    step("Start TensorFlow")
    with staging_folder(out_dir, "tflite") as work:
        made = _make_in(work, python, path, checkpoint, settings)
        text = flat_labels(labels, made["num_classes"], label_map)
        (work / LABELS).write_text(text, encoding="utf-8")
        shutil.copyfile(label_map, work / LABEL_MAP)
        names = (REGULAR_NMS, FAST_NMS, NO_NMS, ANCHORS, LABELS, LABEL_MAP, GRAPH, GRAPH_TEXT)
        files = [(work / name).replace(out_dir / name) for name in names]
    return _converted(files, made)


def _make_in(
    work: Path, python: Path, path: Sequence[Path], checkpoint: Checkpoint, settings: ExportSettings
) -> dict[str, Any]:
    fast_dir = work / "fast"
    fast_settings = replace(settings, nms="fast", max_classes_per_detection=1)
    graph = work / GRAPH
    checkpoint = Checkpoint(checkpoint.pipeline_config.absolute(), checkpoint.prefix.absolute())
    steps = [
        export_step(checkpoint, work, replace(settings, nms="regular")),
        export_step(checkpoint, fast_dir, fast_settings),
        _anchors_step(graph, work / ANCHORS),
        Conversion(work / REGULAR_NMS).as_step(graph),
        Conversion(work / FAST_NMS).as_step(fast_dir / GRAPH),
        Conversion(work / NO_NMS, postprocess=False).as_step(graph),
    ]
    return run_steps(python, steps, path)


def _anchors_step(graph: Path, output: Path) -> dict[str, Any]:
    return {
        "do": "anchors",
        "say": f"Read the anchors of {graph.name}",
        "graph": str(graph.absolute()),
        "output": str(output.absolute()),
    }


def _converted(files: Sequence[Path], learned: dict[str, Any]) -> Converted:
    return Converted(
        tuple(files), learned["anchors"], learned["num_classes"], learned["tensorflow"], learned["python"]
    )
