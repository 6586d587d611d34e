"""A SavedModel to a frozen graph, as `ckssd.tflite.frozen` makes it of a checkpoint of TensorFlow 1.

TensorFlow freezes it (``inside/freeze_saved_model.py``); `ckssd.graph.foreign` then gives it the form of
TensorFlow 1's frozen graphs, which everything else here reads.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ckssd.errors import InputError
from ckssd.graph.foreign.known_form import in_known_form
from ckssd.graph.graph import Graph
from ckssd.graph.graphdef import read_graph, write_graph
from ckssd.graph.saved_model import check_detector
from ckssd.tflite.process import run_tool, tool_environment

SAVED_MODEL = "saved_model"
FILE = "saved_model.pb"
EXPECTED = f"a SavedModel: a folder with {FILE} and variables"
# A TensorFlow 1 model's SavedModel has its weights in the graph, and this folder is empty.
INDEX, DATA = "variables/variables.index", "variables/variables.data-00000-of-00001"


@dataclass(frozen=True)
class Frozen:
    """What was made, and by what.

    Attributes
    ----------
    outputs
        Names that the signature gives them.
    notes
        What differs from the graph as TensorFlow froze it.
    """

    graph: Path
    outputs: tuple[str, ...]
    notes: tuple[str, ...]
    tensorflow: str
    python: str


def saved_model_folder(folder: Path) -> Path:
    """Return the folder that has ``saved_model.pb``: this one, or ``saved_model`` in a model's folder.

    Raises
    ------
    InputError
        If there is none, or its weights are missing.
    """
    for each in (folder, folder / SAVED_MODEL):
        if (each / FILE).is_file():
            if (each / INDEX).is_file() and not (each / DATA).is_file():
                raise InputError("The SavedModel's weights are missing", where=each, expected=DATA)
            return each
    raise InputError(
        "This is no SavedModel",
        where=folder,
        expected=EXPECTED,
        got="nothing" if not folder.exists() else "a file" if folder.is_file() else "a folder without them",
        advice="of a frozen graph: --input_model FILE" if folder.is_file() else None,
    )


def freeze_saved_model(python: Path, folder: Path, output: Path, *, signature: str | None = None) -> Frozen:
    """Freeze a detector's SavedModel; its input is ``image_tensor``, its outputs ``detection_boxes``, ….

    Parameters
    ----------
    python
        Interpreter of an environment with TensorFlow 2.
    folder
        As for `saved_model_folder`.
    output
        The file to write; its folder is made if missing.
    signature
        The function to take; by default ``serving_default``, or the only one.

    Raises
    ------
    InputError
        If there is no SavedModel, it is no detector, or what TensorFlow made of it has no known form.
    UsageError
        If it has no such signature.
    NotInstalledError
        If there is no interpreter.
    RunError
        If TensorFlow cannot load or freeze it.
    """
    source = saved_model_folder(folder)
    signature = check_detector(source / FILE, signature)
    output.parent.mkdir(parents=True, exist_ok=True)
    graph, learned = _freeze_by_tensorflow(python, source, signature)
    notes = in_known_form(graph)
    graph.prune(name for name in learned["outputs"] if name in graph)
    part = output.with_name(output.name + ".part")
    write_graph(graph, part)
    part.replace(output)
    return Frozen(output, tuple(learned["outputs"]), tuple(notes), learned["tensorflow"], learned["python"])


def _freeze_by_tensorflow(python: Path, source: Path, signature: str) -> tuple[Graph, dict[str, Any]]:
    """The graph as TensorFlow freezes it, and what was learned: ``outputs``, and the versions that did it."""
    script = resources.files("ckssd.tflite") / "inside" / "freeze_saved_model.py"
    with resources.as_file(script) as script_path, tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        job, result, raw = (Path(work) / name for name in ("job.json", "result.json", "frozen.pb"))
        job.write_text(
            json.dumps(
                {
                    "saved_model": str(source.absolute()),
                    "signature": signature,
                    "output": str(raw),
                    "result": str(result),
                }
            ),
            encoding="ascii",
        )
        run_tool(
            [python, script_path, job],
            tool_environment(python),
            name="The freezing of the SavedModel",
            about=source,
        )
        learned = json.loads(result.read_text(encoding="ascii"))
        graph = read_graph(raw)
    graph.source = str(source)
    return graph, learned
