"""Step 2 of the seed: ``tflite_graph.pb`` to TFLite files; and both steps in one process.

Importing TensorFlow costs seconds, the steps hardly one each: what belongs together runs in one process.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ckssd.errors import InputError, NotInstalledError
from ckssd.graph.pipeline import read_pipeline
from ckssd.report import step
from ckssd.staging import staging_folder
from ckssd.tflite.asked import check_asked
from ckssd.tflite.export import ANCHORS, GRAPH, GRAPH_TEXT, Checkpoint, export_step
from ckssd.tflite.labels import flat_labels, read_label_map
from ckssd.tflite.process import check_file, research_directories, run_steps
from ckssd.tflite.resizer import PIPELINE, keep_beside
from ckssd.tflite.settings import ExportSettings
from ckssd.tflite.trained import Levels, check_rewriter, check_trained_quantised

REGULAR_NMS = "detect_regular_nms.tflite"
FAST_NMS = "detect_fast_nms.tflite"
NO_NMS = "detect_no_nms.tflite"
LABELS = "flatlabels.txt"
LABEL_MAP = "labelmap.pbtxt"
FAST = "fast"
MODEL_FILES = (REGULAR_NMS, FAST_NMS, NO_NMS, ANCHORS, LABELS, LABEL_MAP, GRAPH, GRAPH_TEXT)


@dataclass(frozen=True)
class Conversion:
    """One TFLite file to make from a graph, with the postprocessing op or without it (cut).

    With ``calibration`` images it is quantised to 8-bit integers after training: weights by channel,
    activations by the range that these images give them. The input then takes grey levels as they are
    (uint8), so nothing is left to normalise; boxes and scores come out as float32. Half a grey level is
    lost at the input, because -1 to 1 has no exact zero point among the levels.
    With ``levels`` it is made of integers throughout (uint8), as its training with quantisation says; scores
    and box encodings of a cut graph are uint8, too.
    """

    output: Path
    postprocess: bool = True
    calibration: tuple[Path, ...] = ()
    levels: Levels | None = None

    def as_step(self, graph: Path) -> dict[str, Any]:
        """The step of ``inside/tflite_steps.py`` that makes it."""
        return {
            "do": "convert",
            "say": f"Convert to {self.output.name}",
            "graph": str(graph),
            "output": str(self.output),
            "postprocess": self.postprocess,
            "calibration": [str(image) for image in self.calibration],
            "levels": None if self.levels is None else [self.levels.mean, self.levels.std],
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
        If `graph` does not exist, or is to be quantised by its training, which was without or left parts out.
    RunError
        If TensorFlow fails, or is too old to quantise.
    """
    check_file(graph, "the graph")
    if any(each.levels is not None for each in conversions):
        check_trained_quantised(graph)
    folder = conversions[0].output.parent
    with staging_folder(folder, "tflite") as work:
        staged = [replace(each, output=work / each.output.name) for each in conversions]
        steps = [each.as_step(graph.absolute()) for each in staged]
        learned = run_steps(python, [_anchors_step(graph, work / ANCHORS), *steps])
        for each in staged:
            _check_integers(each)
        files = [made.output.replace(each.output) for made, each in zip(staged, conversions)]
        if anchors:
            files.append((work / ANCHORS).replace(anchors))
    keep_beside(graph.parent / PIPELINE, folder)
    return _converted(files, learned)


def _check_integers(made: Conversion) -> None:
    """Raise an InputError if a part of a cut graph stayed in float: not all of it was trained so."""
    if made.levels is None or made.postprocess:
        return
    from ckssd.tflite.precision import float_tensors  # here, because it brings NumPy

    left = float_tensors(made.output)
    if left:
        raise InputError(
            "The graph is not quantised throughout",
            where=made.output.name,
            expected="uint8 and int32 only",
            got=f"float32 in {len(left)} tensors: {', '.join(left[:3])}",
        )


def make_tflite_model(
    python: Path,
    obj_det_dir: Path | None,
    model_dir: Path,
    out_dir: Path,
    settings: ExportSettings | None = None,
    *,
    checkpoint: Checkpoint | None = None,
    frozen_graph: Path | None = None,
    label_map: Path | None = None,
    levels: Levels | None = None,
) -> Converted:
    """Make the whole TFLite model: both steps, both kinds of NMS, one process of TensorFlow.

    `out_dir` then holds ``detect_regular_nms.tflite``, ``detect_fast_nms.tflite``,
    ``detect_no_nms.tflite``, ``flatanchors.txt``, ``flatlabels.txt``, ``labelmap.pbtxt`` and the
    regular graph ``tflite_graph.pb`` with its text.

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow.
    obj_det_dir
        The directory ``object_detection`` of a prepared Object Detection API, for a checkpoint.
    model_dir
        A model folder with the files of a zoo model.
    settings
        Limits and thresholds; ``nms`` does not matter, since both kinds are made.
    checkpoint, label_map
        If they are not ``pipeline.config``, ``model.ckpt`` and ``labelmap.pbtxt`` in `model_dir`.
    frozen_graph
        To export from, in place of the checkpoint: then neither a checkpoint nor an API is needed
        (`ckssd.tflite.from_frozen`).
    levels
        Of a model that was trained with quantisation: its files are made of integers throughout.

    Raises
    ------
    InputError
        If a file is missing, the label map does not fit the model, or its training was without quantisation.
    NotInstalledError, RunError
        As `ckssd.tflite.export.export_tflite_graph`.
    """
    settings = settings or ExportSettings()
    label_map = label_map or model_dir / LABEL_MAP
    labels = read_label_map(label_map)
    with staging_folder(out_dir, "tflite") as work:
        if frozen_graph is not None:
            exports = _export_frozen_in(work, frozen_graph, settings)
        else:
            checkpoint = checkpoint or Checkpoint.in_directory(model_dir)
            exports = _checkpoint_exports(work, checkpoint, settings, python, obj_det_dir)
        if levels is not None and frozen_graph is not None:
            check_trained_quantised(work / GRAPH)
        step("Start TensorFlow")
        made = run_steps(python, [*exports.steps, *_conversion_steps(work, levels)], exports.path)
        _check_integers(Conversion(work / NO_NMS, postprocess=False, levels=levels))
        text = flat_labels(labels, made["num_classes"], label_map)
        (work / LABELS).write_text(text, encoding="utf-8")
        shutil.copyfile(label_map, work / LABEL_MAP)
        files = [(work / name).replace(out_dir / name) for name in MODEL_FILES]
        keep_beside(exports.pipeline, out_dir)
    return _converted(files, made)


class _Exports(NamedTuple):
    """How both kinds of graph come about: steps of TensorFlow, where its modules are, the settings' file."""

    steps: list[dict[str, Any]]
    path: Sequence[Path]
    pipeline: Path


def _checkpoint_exports(
    work: Path, checkpoint: Checkpoint, settings: ExportSettings, python: Path, obj_det_dir: Path | None
) -> _Exports:
    """Exports by the Object Detection API, after all that can be said without TensorFlow."""
    if obj_det_dir is None:
        raise NotInstalledError(
            "A checkpoint is exported by the Object Detection API, which is not given",
            advice="ck install package --tags=model,tensorflow,api, or export from a frozen graph",
        )
    checkpoint.check()
    check_rewriter(read_pipeline(checkpoint.pipeline_config), python)
    path = research_directories(obj_det_dir, python)
    return _Exports(_export_steps(work, checkpoint, settings), path, checkpoint.pipeline_config)


def _export_steps(work: Path, checkpoint: Checkpoint, settings: ExportSettings) -> list[dict[str, Any]]:
    """The steps that export both kinds of NMS by the Object Detection API."""
    checkpoint.check()
    check_asked(read_pipeline(checkpoint.pipeline_config), "regular")
    checkpoint = Checkpoint(checkpoint.pipeline_config.absolute(), checkpoint.prefix.absolute())
    return [export_step(checkpoint, folder, each) for folder, each in _kinds(work, settings).items()]


def _export_frozen_in(work: Path, frozen_graph: Path, settings: ExportSettings) -> _Exports:
    """Export both kinds of NMS here and now; no step of TensorFlow is left to do."""
    # Here, because it brings NumPy, which those that install need not wait for.
    from ckssd.tflite.from_frozen import export_frozen

    for folder, each in _kinds(work, settings).items():
        export_frozen(frozen_graph, folder, each)
    return _Exports([], [], work / PIPELINE)


def _kinds(work: Path, settings: ExportSettings) -> dict[Path, ExportSettings]:
    """The folders for the two graphs, and the settings of each."""
    fast = replace(settings, nms="fast", max_classes_per_detection=1)
    return {work: replace(settings, nms="regular"), work / FAST: fast}


def _conversion_steps(work: Path, levels: Levels | None) -> list[dict[str, Any]]:
    """The steps that make the three files; of integers only if the graph's training says how."""
    graph = work / GRAPH
    return [
        _anchors_step(graph, work / ANCHORS),
        Conversion(work / REGULAR_NMS, levels=levels).as_step(graph),
        Conversion(work / FAST_NMS, levels=levels).as_step(work / FAST / GRAPH),
        Conversion(work / NO_NMS, postprocess=False, levels=levels).as_step(graph),
    ]


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
