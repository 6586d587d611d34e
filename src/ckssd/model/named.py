"""A model named by its file, with nothing registered: the variables that its CK entry would have.

So that it is described, checked and run exactly as a registered one is.
"""

from __future__ import annotations

from pathlib import Path

from ckssd.errors import InputError, UsageError
from ckssd.model.entry import RUNTIME
from ckssd.model.runtimes import BY_ENDING, MODEL, RUNTIMES, variable_for
from ckssd.values import refuse_address

# Files that people name instead, and what to do.
OTHERS = {
    ".bin": "an IR is named by its .xml",
    ".pbtxt": "a graph as text is not run; take the binary frozen_inference_graph.pb",
    ".config": "name the model beside it: frozen_inference_graph.pb, or a .tflite file",
    ".index": "a checkpoint is exported first: ckssd export, then ckssd convert",
    ".meta": "a checkpoint is exported first: ckssd export, then ckssd convert",
    ".h5": "Keras models are not run here; take the exported frozen graph or TFLite file",
    ".keras": "Keras models are not run here; take the exported frozen graph or TFLite file",
}


def runtime_of(file: Path, asked: str | None = None) -> str:
    """The runtime of a model's file, by its name: the one that was asked for, if it runs such files.

    Raises
    ------
    UsageError
        The file is of no kind that can be run, or not by that runtime.
    """
    refuse_address("--model", file)
    suffix = file.suffix.lower()
    if suffix in BY_ENDING:
        found = BY_ENDING[suffix]
        if asked is None or RUNTIMES[asked].ending == suffix:
            return asked or found
        raise UsageError("The model is not for this runtime", where=file, expected=found, got=asked)
    got = "a folder" if file.is_dir() else file.suffix or "no ending"
    raise UsageError(
        "The model is of no kind that can be run",
        where=file,
        expected=f"a file {', '.join(BY_ENDING)}",
        got=got,
        advice=OTHERS.get(suffix),
    )


def variables_of(file: Path, labels: Path | None = None, runtime: str | None = None) -> dict[str, str]:
    """The variables that describe a model's file.

    Parameters
    ----------
    labels
        Label map or list; None: what is found beside the model or in it.
    runtime
        What shall run it; None: what its name says.

    Raises
    ------
    InputError
        A file is missing.
    UsageError
        The file is of no kind that can be run, or not by that runtime.
    """
    refuse_address("--labels", labels)
    runtime = runtime_of(file, runtime)
    if not file.is_file():
        raise InputError("The model is missing", where=file, expected="a file")
    found = {
        RUNTIME: runtime,
        variable_for(runtime, f"{MODEL}ROOT"): str(file.absolute().parent),
        variable_for(runtime, MODEL + RUNTIMES[runtime].graph): str(file.absolute()),
        variable_for(runtime, f"{MODEL}MODEL_NAME"): file.stem,
    }
    if labels is not None:
        if not labels.is_file():
            raise InputError("The label file is missing", where=labels, expected="a file")
        found[variable_for(runtime, f"{MODEL}LABELMAP_FILE")] = str(labels.absolute())
    return found
