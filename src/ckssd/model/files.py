"""Which file of an installed model a run takes: the one that was named, else by runtime and NMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.model.ir import ir_files
from ckssd.model.runtimes import (
    DEFAULT_RUNTIME,
    FROZEN_GRAPH,
    IR,
    MODEL,
    ONNX,
    RUNTIMES,
    TFLITE,
    variable_for,
)
from ckssd.onnx.model import graph_nms, read_onnx
from ckssd.values import file_path, folder_path

# The one graph of a model that was registered by the name of its file; else one for each kind of NMS.
NAMED_GRAPH = f"{MODEL}TFLITE_GRAPH"
GRAPHS = {
    "regular": "TFLITE_GRAPH_REGULAR_NMS",
    "fast": "TFLITE_GRAPH_FAST_NMS",
    "none": "TFLITE_GRAPH_NO_NMS",
}
# An ONNX model's graphs: the published name, and that of a graph without NMS beside it, which goes first.
ONNX_GRAPHS = ("ONNX_GRAPH_NO_NMS", "ONNX_FILEPATH")
ADVICE = "choose a model for this runtime (dependency weights)"


def model_file(runtime: str, nms: str, environment: Mapping[str, str]) -> Path:
    """Find the model's file by the variables of its entry.

    Raises
    ------
    UsageError
        A variable is missing or names a file that is not there.
    InputError
        The file is an IR without its weights.
    """
    return FINDERS[RUNTIMES[runtime].ending](runtime, nms, environment)


def model_folder(environment: Mapping[str, str], runtime: str = DEFAULT_RUNTIME) -> Path:
    """The folder of the installed model; its other variables may be relative to it."""
    variable = variable_for(runtime, f"{MODEL}ROOT")
    return folder_path(variable, required(environment, variable, ADVICE))


def value(environment: Mapping[str, str], variable: str) -> str | None:
    """A variable's value; an empty one counts as not set, as everywhere in CK."""
    return environment.get(variable, "").strip() or None


def required(environment: Mapping[str, str], variable: str, advice: str | None) -> str:
    """A variable's value, or the error that it is not set."""
    found = value(environment, variable)
    if found is None:
        raise UsageError(f"{variable} is not set", advice=advice)
    return found


def _tflite_graph(runtime: str, nms: str, environment: Mapping[str, str]) -> Path:
    root = model_folder(environment, runtime)
    variable = variable_for(runtime, NAMED_GRAPH)
    named = value(environment, variable)
    if named is not None:
        return file_path(variable, root / named)
    variable = variable_for(runtime, MODEL + GRAPHS[nms])
    graph = value(environment, variable) or f"detect_{'no' if nms == 'none' else nms}_nms.tflite"
    return file_path(variable, root / graph)


def _ir(runtime: str, nms: str, environment: Mapping[str, str]) -> Path:
    # Here already, so that a comparison of several models does not find out when half of it has run.
    return ir_files(_named_file(runtime, nms, environment))[0]


def _named_file(runtime: str, _: str, environment: Mapping[str, str]) -> Path:
    variable = variable_for(runtime, MODEL + RUNTIMES[runtime].graph)
    return file_path(variable, required(environment, variable, ADVICE))


def _onnx_graph(runtime: str, nms: str, environment: Mapping[str, str]) -> Path:
    """The first graph that does this NMS; ``""``: the first there is."""
    names = [variable_for(runtime, MODEL + name) for name in ONNX_GRAPHS]
    stated = {name: text for name in names if (text := value(environment, name)) is not None}
    if not stated:
        raise UsageError(f"{names[-1]} is not set", advice=ADVICE)
    root = model_folder(environment, runtime)
    files = [file_path(name, root / text) for name, text in stated.items()]
    kinds = {file: graph_nms(read_onnx(file)) for file in files}
    fitting = [file for file in files if nms in ("", kinds[file])]
    if not fitting:
        raise UsageError(
            "USE_NMS asks for a graph that the model has not",
            where=files[0],
            expected=" or ".join(dict.fromkeys(kinds.values())),
            got=nms,
            advice="none: a graph without NMS, which is then this project's own; regular: its own, by class",
        )
    return fitting[0]


FINDERS: dict[str, Callable[[str, str, Mapping[str, str]], Path]] = {
    TFLITE: _tflite_graph,
    IR: _ir,
    FROZEN_GRAPH: _named_file,
    ONNX: _onnx_graph,
}
