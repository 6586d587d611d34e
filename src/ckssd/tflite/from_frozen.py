"""Step 1 without TensorFlow, checkpoint and Object Detection API: from a frozen graph to ``tflite_graph.pb``.

The project's own sub-graph replacement swaps the Preprocessor for the input and the Postprocessor for
TFLite_Detection_PostProcess. Settings that nobody gives are those of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ckssd.errors import EnvironmentSetupError, InputError
from ckssd.graph import wire
from ckssd.graph.attributes import Tensor
from ckssd.graph.graphdef import serialize, write_graph
from ckssd.graph.pipeline import Pipeline, read_pipeline
from ckssd.graph.resizer import AspectResizer, from_text
from ckssd.graph.settings import Setting
from ckssd.graph.text import graph_text
from ckssd.graph.tflite.account import explained, lines
from ckssd.graph.tflite.plan import TFLiteGraph, make_tflite_graph
from ckssd.graph.tflite.wanted import LIMITS, NONE, Wanted
from ckssd.report import step
from ckssd.staging import staging_folder
from ckssd.tflite.export import ANCHORS, GRAPH, GRAPH_TEXT
from ckssd.tflite.resizer import PIPELINE, resizer_config
from ckssd.tflite.settings import ExportSettings


@dataclass(frozen=True)
class FrozenExport:
    """What an export made: its files, and what was decided, as plain data and as lines for people."""

    files: tuple[Path, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def export_frozen(
    frozen_graph: Path,
    output_directory: Path,
    settings: ExportSettings | None = None,
    *,
    nms: str = "regular",
    given: Mapping[str, Setting] | None = None,
    pipeline_config: Path | None = None,
    dry_run: bool = False,
) -> FrozenExport:
    """Make ``tflite_graph.pb`` and ``tflite_graph.pbtxt`` from a frozen graph, in this process.

    Parameters
    ----------
    frozen_graph
        ``frozen_inference_graph.pb`` of an SSD, as exporters of 2017 to 2020 make it.
    output_directory
        Made if missing; the files appear there at the end, each at once.
    settings
        All settings of the postprocessing op, as for `ckssd.tflite.export.export_tflite_graph`.
    nms, given
        Instead of `settings`: ``regular``, ``fast`` or ``none``, and those limits (attributes of
        `ExportSettings`) that are not to be the graph's, each with who says so. With ``none`` the graph ends
        at ``raw_outputs/box_encodings`` and ``raw_outputs/class_predictions`` (scores), and
        ``flatanchors.txt`` is written, too: ycenter, xcenter, h, w in units of the image.
    pipeline_config
        For what the graph does not say; by default the ``pipeline.config`` beside it, if there is one.
    dry_run
        Only explain.

    Raises
    ------
    UsageError
        If a setting makes no sense.
    InputError
        If the file is no frozen graph of an SSD, or TFLite's operation cannot do what it does.
    EnvironmentSetupError
        If the folder cannot be written to.
    """
    if settings is not None:
        nms, given = settings.nms, given_by(settings)
    wanted = Wanted(nms, given or {}, _pipeline(frozen_graph, pipeline_config))
    made = make_tflite_graph(frozen_graph, wanted)
    data = explained(made)
    _check(made, nms)
    files = () if dry_run else _written(made, output_directory, nms)
    return FrozenExport(files, data, tuple(lines(data)))


def given_by(settings: ExportSettings) -> dict[str, Setting]:
    """Return complete settings as given ones."""
    complete = {**asdict(settings), "detections_per_class": settings.per_class}
    return {name: Setting(value, "given") for name, value in complete.items() if name in LIMITS}


def _check(made: TFLiteGraph, nms: str) -> None:
    """Limits of the graph, too, have to suit the operation."""
    if nms != NONE:
        ExportSettings(nms, **{name: made.context.settings[name].value for name in LIMITS})


def _pipeline(frozen_graph: Path, pipeline_config: Path | None) -> Pipeline | None:
    beside = frozen_graph.parent / PIPELINE
    if pipeline_config is None and not beside.is_file():
        return None
    return read_pipeline(pipeline_config or beside)


def _written(made: TFLiteGraph, folder: Path, nms: str) -> tuple[Path, ...]:
    step(f"Write {GRAPH} ({nms} NMS)")
    with staging_folder(folder, "tflite_graph") as work:
        try:
            write_graph(made.graph, work / GRAPH)
            with (work / GRAPH_TEXT).open("w", encoding="ascii") as stream:
                stream.writelines(graph_text(serialize(made.graph)))
            names = [GRAPH, GRAPH_TEXT]
            if nms == NONE:
                (work / ANCHORS).write_text(_anchor_lines(made.anchors), encoding="ascii")
                names.append(ANCHORS)
            aspect = _aspect(made)
            if aspect is not None:
                (work / PIPELINE).write_text(resizer_config(aspect), encoding="ascii")
                names.append(PIPELINE)
            return tuple((work / name).replace(folder / name) for name in names)
        except wire.Malformed as error:
            raise InputError(
                "A node's attribute cannot be read", where=made.graph.source, got=error
            ) from error
        except OSError as error:
            raise EnvironmentSetupError(
                "The graph cannot be written", where=folder, got=error.strerror or error
            ) from error


def _aspect(made: TFLiteGraph) -> AspectResizer | None:
    stated = made.context.settings.get("resizer")
    return None if stated is None else from_text(stated.value)


def _anchor_lines(anchors: Tensor) -> str:
    # Nine digits give every float32 back exactly.
    return "".join(" ".join(f"{value:.9g}" for value in row) + "\n" for row in anchors)
