"""Which file of an installed model a run takes: the one that was named, else by runtime and NMS.

Each kind of model has a prefix for its entry's variables. The tables of settings name them with that of
TensorFlow's and TFLite's models, ``MODEL``; for another runtime the prefix is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.model.ir import ir_files
from ckssd.onnx.model import graph_nms, read_onnx
from ckssd.values import file_path, folder_path

MODEL = "CK_ENV_TENSORFLOW_MODEL_"
# The one graph of a model that was registered by the name of its file; else one for each kind of NMS.
NAMED_GRAPH = f"{MODEL}TFLITE_GRAPH"
GRAPHS = {
    "regular": "TFLITE_GRAPH_REGULAR_NMS",
    "fast": "TFLITE_GRAPH_FAST_NMS",
    "none": "TFLITE_GRAPH_NO_NMS",
}
PREFIXES = {
    "litert": MODEL,
    "openvino": "CK_ENV_OPENVINO_MODEL_",
    "tensorflow": MODEL,
    "onnx": "CK_ENV_ONNX_MODEL_",
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
    return FINDERS[runtime](nms, environment)


def variable_for(runtime: str, variable: str) -> str:
    """A variable under the name that it has for this runtime's models, if it is a model's at all."""
    return PREFIXES[runtime] + variable.removeprefix(MODEL) if variable.startswith(MODEL) else variable


def model_folder(environment: Mapping[str, str], runtime: str = "litert") -> Path:
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


def _tflite_graph(nms: str, environment: Mapping[str, str]) -> Path:
    variable = MODEL + GRAPHS[nms]
    named = value(environment, NAMED_GRAPH)
    if named is not None:
        return file_path(NAMED_GRAPH, model_folder(environment) / named)
    graph = value(environment, variable) or f"detect_{'no' if nms == 'none' else nms}_nms.tflite"
    return file_path(variable, model_folder(environment) / graph)


def _ir(_: str, environment: Mapping[str, str]) -> Path:
    variable = variable_for("openvino", f"{MODEL}XML")
    # Here already, so that a comparison of several models does not find out when half of it has run.
    return ir_files(file_path(variable, required(environment, variable, ADVICE)))[0]


def _frozen_graph(_: str, environment: Mapping[str, str]) -> Path:
    variable = f"{MODEL}FROZEN_GRAPH"
    return file_path(variable, required(environment, variable, ADVICE))


def _onnx_graph(nms: str, environment: Mapping[str, str]) -> Path:
    """The first graph that does this NMS; ``""``: the first there is."""
    names = [variable_for("onnx", MODEL + name) for name in ONNX_GRAPHS]
    stated = {name: text for name in names if (text := value(environment, name)) is not None}
    if not stated:
        raise UsageError(f"{names[-1]} is not set", advice=ADVICE)
    root = model_folder(environment, "onnx")
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


FINDERS: dict[str, Callable[[str, Mapping[str, str]], Path]] = {
    "litert": _tflite_graph,
    "openvino": _ir,
    "tensorflow": _frozen_graph,
    "onnx": _onnx_graph,
}
