"""A model's description from the variables of its CK entry, with those of the program that runs it.

A file that is named by its path has the same variables (ckssd.model.named), so that this is the one place
where they are read. What no variable says is looked for beside the file, and in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError
from ckssd.model.beside import find_labels
from ckssd.model.custom import CustomOptions
from ckssd.model.description import FIELDS, Model
from ckssd.model.files import NAMED_GRAPH, model_file, model_folder, value
from ckssd.model.own_nms import (
    kind_of,
    own_nms_of,
    refuse_other_nms,
    refuse_own_nms,
)
from ckssd.model.runtimes import DEFAULT_RUNTIME, MODEL, ONNX, RUNTIMES, TFLITE, variable_for
from ckssd.onnx.model import graph_nms as onnx_nms
from ckssd.onnx.model import read_onnx
from ckssd.tflite.model import read_model
from ckssd.values import bad_value, file_path, real_number, switch, whole_number

RUNTIME, NMS, ACTIVATION, SIGNATURE = "CK_RUNTIME", "USE_NMS", "CK_SCORE_ACTIVATION", "CK_MODEL_SIGNATURE"
# Field of Model to the variable of the program, and to that of the model's entry, which gives its text.
PROGRAM = {"activation": ACTIVATION, "signature": SIGNATURE}
ENTRY = {
    "normalize": f"{MODEL}NORMALIZE_DATA",
    "image_width": f"{MODEL}IMAGE_WIDTH",
    "image_height": f"{MODEL}IMAGE_HEIGHT",
    "name": f"{MODEL}MODEL_NAME",
}


def from_environment(environment: Mapping[str, str]) -> Model:
    """Describe the model that the variables name.

    Raises
    ------
    UsageError
        For the first variable that is missing, has a bad value, or asks for what the model cannot do.
    InputError
        The model's file cannot be read.
    """
    runtime = FIELDS["runtime"].check(RUNTIME, value(environment, RUNTIME) or DEFAULT_RUNTIME)
    values = _stated(environment, runtime)
    _refuse_unsupported(environment, runtime)
    nms, file = _graph(environment, runtime, values.get("signature"))
    values |= {"runtime": runtime, "file": file, "nms": nms}
    values["labels"] = _labels(environment, runtime, file)
    values["first_label"] = _first_label(environment, runtime)
    values["custom"] = CustomOptions.from_environment(environment, nms)
    refuse_other_nms(runtime, nms, values["custom"])
    if values.get("activation") and RUNTIMES[runtime].ending != TFLITE and nms != "none":
        raise bad_value(ACTIVATION, f"no value: models for {runtime} do it themselves", values["activation"])
    if nms == "none":
        values["own_nms"], values["notes"] = own_nms_of(environment, runtime, file, values.get("signature"))
    else:
        refuse_own_nms(environment, runtime, nms)
    return Model(**values)


def kind_of_nms(environment: Mapping[str, str], model: Model) -> str:
    """Which NMS the model's detections go through, ``regular`` or ``fast``, whoever does it."""
    if model.nms == "none":
        return kind_of(environment)
    # Custom settings run regular NMS on whatever graph.
    return "regular" if model.custom else model.nms


def _stated(environment: Mapping[str, str], runtime: str) -> dict[str, Any]:
    """The fields that a variable gives as it is."""
    named = {**PROGRAM, **{name: variable_for(runtime, variable) for name, variable in ENTRY.items()}}
    found = {name: (variable, value(environment, variable)) for name, variable in named.items()}
    fields = {name: FIELDS[name].check(*given) for name, given in found.items() if given[1] is not None}
    threshold = variable_for(runtime, f"{MODEL}NMS_SCORE_THRESHOLD")
    if (text := value(environment, threshold)) is not None:
        fields["score_threshold"] = real_number(0)(threshold, text)
    return fields


def _graph(environment: Mapping[str, str], runtime: str, signature: str | None) -> tuple[str, Path]:
    """Kind of NMS and file. A file that was named decides the kind; another one cannot be asked of it."""
    asked = value(environment, NMS)
    kind = FIELDS["nms"].check(NMS, asked) if asked else None
    ending = RUNTIMES[runtime].ending
    if ending == ONNX:
        file = model_file(runtime, kind or "", environment)
        return onnx_nms(read_onnx(file)), file
    file = model_file(runtime, kind or Model.nms, environment)
    if ending != TFLITE or value(environment, variable_for(runtime, NAMED_GRAPH)) is None:
        return kind or Model.nms, file
    own = graph_nms(file, signature)
    rewritten = own != "none" and kind != "none" and CustomOptions.asked_for(environment)
    if kind not in (None, own) and not rewritten:
        raise UsageError(
            f"{NMS} asks for another graph than the one that was named",
            where=file,
            expected=f"{own}: that is what this graph does",
            got=kind,
            advice=f"leave {NMS} out, or name a graph that does it"
            + (
                "" if "none" in (own, kind) else ", or set CUSTOM_MODEL_SETTINGS=yes, which rewrites this one"
            ),
        )
    return own, file


def graph_nms(file: Path, signature: str | None = None) -> str:
    """Which NMS a TFLite file does itself: ``regular``, ``fast`` or ``none``; raises as read_model does."""
    options = read_model(file, signature).options
    return "none" if options is None else options.nms


def _labels(environment: Mapping[str, str], runtime: str, file: Path) -> Path | None:
    """The label map that the entry names, else its list, relative to its folder; else what is found."""
    root = model_folder(environment, runtime)
    for name in ("LABELMAP_FILE", "CLASSES"):
        variable = variable_for(runtime, MODEL + name)
        if (text := value(environment, variable)) is not None:
            return file_path(variable, root / text)
    return find_labels(file)


def _first_label(environment: Mapping[str, str], runtime: str) -> int | None:
    """The label id of class 0 that the entry states: 1 where a background has to be added to the classes."""
    variable = variable_for(runtime, f"{MODEL}NEED_BACKGROUND_CORRECTION")
    text = value(environment, variable)
    return None if text is None else int(switch(variable, text))


def _refuse_unsupported(environment: Mapping[str, str], runtime: str) -> None:
    channels, mean = (variable_for(runtime, MODEL + name) for name in ("IMAGE_CHANNELS", "SUBTRACT_MEAN"))
    whole_number(3, 3)(channels, value(environment, channels) or 3)
    if switch(mean, environment.get(mean, "no")):
        raise bad_value(mean, "no (SSD-MobileNet models are fed without it)", environment[mean])
