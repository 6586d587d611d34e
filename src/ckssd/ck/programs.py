"""What CK calls around and in the programs of this repository, in their ``tmp`` folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ckssd.ck.kernel import Answer
from ckssd.errors import CkssdError
from ckssd.measure.program import FAILURE_FILE
from ckssd.tflite.export import GRAPH
from ckssd.tflite.program import (
    GRAPH_FILE,
    convert_from_environment,
    export_from_environment,
    freeze_from_environment,
)


def export(environment: Mapping[str, str], folder: Path) -> int:
    """Step 1: the chosen checkpoint to ``tflite_graph.pb`` and ``.pbtxt``; return the exit code."""
    return _reported(lambda: _export(environment, folder))


def freeze(environment: Mapping[str, str], folder: Path) -> int:
    """The chosen checkpoint to ``frozen_inference_graph.pb``; return the exit code."""
    return _reported(lambda: [freeze_from_environment(environment, folder)])


def convert(environment: Mapping[str, str], folder: Path) -> int:
    """Step 2: a graph to ``detect.tflite`` and ``detect_cut.tflite``; return the exit code.

    Without ``TFLITE_GRAPH`` it is the graph that the export program made last.
    """
    return _reported(lambda: _convert(environment, folder))


def tell_failure(i: dict[str, Any]) -> Answer:
    """CK's hook after a run: make CK say why the program failed, instead of which file it misses."""
    failure = Path.cwd() / FAILURE_FILE
    if not failure.exists():
        return {"return": 0}
    reason = f"FAILED: {failure.read_text(encoding='utf-8')}"
    i["misc"].update(run_success="no", run_success_bool=False, fail_reason=reason)
    return {"return": 1, "error": reason}


def _reported(work: Callable[[], list[Path]]) -> int:
    try:
        for made in work():
            print(f"{made}  {made.stat().st_size} bytes")
    except CkssdError as error:
        print(f"FAILED: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def _export(environment: Mapping[str, str], folder: Path) -> list[Path]:
    exported = export_from_environment(environment, folder)
    print(f"Settings of the postprocessing: {exported.settings}")
    return [exported.graph, exported.graph_text]


def _convert(environment: Mapping[str, str], folder: Path) -> list[Path]:
    exported = folder.parent.parent / "export-tflite-ssd-graph" / "tmp" / GRAPH
    if not environment.get(GRAPH_FILE) and not (folder / GRAPH).exists() and exported.exists():
        environment = {**environment, GRAPH_FILE: str(exported)}
    converted = convert_from_environment(environment, folder)
    print(
        f"TensorFlow {converted.tensorflow}: {converted.num_anchors} anchors, {converted.num_classes} classes"
    )
    return list(converted.files)
