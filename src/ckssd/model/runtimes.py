"""What runs models: each runtime described once, for all who find, describe, choose or run a model.

A runtime's code is a module of its name in ckssd.detect.backends.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "CK_ENV_TENSORFLOW_MODEL_"


# Formats of models, by the ends of their files' names.
TFLITE, IR, FROZEN_GRAPH, ONNX = ".tflite", ".xml", ".pb", ".onnx"


@dataclass(frozen=True)
class Runtime:
    """A runtime, and the entries of its library and of its models.

    ``ending``: of the name of a model's file, and so its format. ``graph``: the variable, less the prefix,
    that names a file given by its path. ``library``, ``models``: tags of what is installed. ``python``: the
    library's interpreter, as a variable. ``prefix``: of the variables of its models' entries.
    ``graph_nms``: what to say to those who ask for another NMS than the graph does; None: it can be told.
    ``without_nms``: whether it also runs graphs without NMS, with this project's own.
    """

    ending: str
    graph: str
    library: str
    python: str
    models: str
    prefix: str = MODEL
    graph_nms: str | None = None
    without_nms: bool = False


RUNTIMES = {
    "litert": Runtime(
        ending=TFLITE,
        graph="TFLITE_GRAPH",
        library="lib,litert",
        python="CK_ENV_LIB_LITERT_PYTHON_FILE",
        models="model,tflite,object-detection",
        without_nms=True,
    ),
    "openvino": Runtime(
        ending=IR,
        graph="XML",
        library="lib,openvino",
        python="CK_ENV_LIB_OPENVINO_PYTHON_FILE",
        models="model,openvino,object-detection",
        prefix="CK_ENV_OPENVINO_MODEL_",
        graph_nms="the NMS of an IR is its DetectionOutput: by class, with the settings of the conversion",
    ),
    "tensorflow": Runtime(
        ending=FROZEN_GRAPH,
        graph="FROZEN_GRAPH",
        library="lib,tensorflow,v2",
        python="CK_ENV_LIB_TF_PYTHON_FILE",
        models="model,tensorflow,tf,object-detection",
        graph_nms="the NMS of a frozen graph is its Postprocessor: by class, with the settings of the export",
    ),
    "onnx": Runtime(
        ending=ONNX,
        graph="ONNX_FILEPATH",
        library="lib,onnxruntime",
        python="CK_ENV_LIB_ONNXRUNTIME_PYTHON_FILE",
        models="model,onnx,object-detection",
        prefix="CK_ENV_ONNX_MODEL_",
        graph_nms="the NMS of a whole ONNX graph is its own: by class, with the settings of the export",
        without_nms=True,
    ),
}
DEFAULT_RUNTIME = "litert"
BY_ENDING: dict[str, str] = {}  # of those that share a format, the first is a file's own
for _name, _runtime in RUNTIMES.items():
    BY_ENDING.setdefault(_runtime.ending, _name)
# A shell's variables of another model say nothing about a chosen one.
PREFIXES = tuple(dict.fromkeys(runtime.prefix for runtime in RUNTIMES.values()))


def runtime_of_tags(tags: str) -> str:
    """The one runtime whose kind of model the comma-separated tags name (``tflite``, …), else the default."""
    named = {tag.strip() for tag in tags.split(",")}
    found = [name for name, runtime in RUNTIMES.items() if runtime.models.split(",")[1] in named]
    return found[0] if len(found) == 1 else DEFAULT_RUNTIME


def variable_for(runtime: str, variable: str) -> str:
    """A variable under the name that it has for this runtime's models, if it is a model's at all.

    Tables of settings name it with TensorFlow's prefix, ``MODEL``.
    """
    if not variable.startswith(MODEL):
        return variable
    return RUNTIMES[runtime].prefix + variable.removeprefix(MODEL)
