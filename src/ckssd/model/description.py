"""One description of a detection model: all that a run must know and the model's file does not say.

Every command and program that runs a model makes it here: from the variables of its entry (see
ckssd.model.entry), which a file named by its path has too (ckssd.model.named), or from JSON, in a runtime's
environment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError
from ckssd.model.custom import CustomOptions
from ckssd.model.own_nms import OwnNMS, refuse_other_nms
from ckssd.model.runtimes import RUNTIMES
from ckssd.values import Check, bad_value, choice, file_path, plain_text, switch, whole_number

NMS = ("regular", "fast", "none")
# What turns a graph's class outputs into scores, where the graph itself does not.
ACTIVATIONS = ("sigmoid", "softmax", "none")


@dataclass(frozen=True)
class Model:
    """A detection model to run.

    ``file``: what the runtime opens. ``nms``: which NMS its detections go through; ``none`` is a graph
    without one, for which ``own_nms`` says what this project's own does. ``custom`` replaces the options of
    the graph's own.
    ``labels``: a file of class names (None: there is none). ``first_label``: the label id of class index 0
    that was stated (None: read from the labels).
    ``normalize``: whether a float network is fed -1 to 1, else 0 to 255. ``image_width``, ``image_height``:
    a size that was stated, for the model's own to be held against.
    ``activation``: what turns class outputs into scores, where the graph does not (None: nothing was stated).
    ``signature``: which of several graphs in the file (None: the first).
    ``score_threshold``: the one that the model's entry states for showing detections (None: it states none).
    ``notes``: what was assumed.
    """

    runtime: str
    file: Path
    nms: str = "regular"
    labels: Path | None = None
    first_label: int | None = None
    normalize: bool = True
    image_width: int | None = None
    image_height: int | None = None
    activation: str | None = None
    signature: str | None = None
    name: str = ""
    score_threshold: float | None = None
    custom: CustomOptions | None = None
    own_nms: OwnNMS | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """What a field of Model may be in JSON."""

    check: Check
    required: bool = False


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise bad_value(name, "a list of texts", value)
    return tuple(value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_value(name, "a number", value)
    return float(value)


FIELDS: dict[str, Field] = {
    "runtime": Field(choice(*RUNTIMES), required=True),
    "file": Field(file_path, required=True),
    "nms": Field(choice(*NMS)),
    "labels": Field(file_path),
    "first_label": Field(whole_number(0, 1)),
    "normalize": Field(switch),
    "image_width": Field(whole_number(1)),
    "image_height": Field(whole_number(1)),
    "activation": Field(choice(*ACTIVATIONS)),
    "signature": Field(plain_text),
    "name": Field(plain_text),
    "score_threshold": Field(_number),
    "notes": Field(_texts),
}


def from_mapping(mapping: Any, where: str = "model") -> Model:
    """Read a JSON object whose keys are the names of Model's fields.

    Raises
    ------
    UsageError
        For an unknown key, a missing one, or a bad value.
    """
    if not isinstance(mapping, Mapping):
        raise bad_value(where, "an object that describes the model", mapping)
    unknown = sorted(set(mapping) - {field.name for field in dataclasses.fields(Model)})
    if unknown:
        raise UsageError("Unknown setting", where=f"{where}.{unknown[0]}", expected=", ".join(FIELDS))
    values: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if mapping.get(name) is not None:
            values[name] = field.check(f"{where}.{name}", mapping[name])
        elif field.required:
            raise UsageError(f"{where}.{name} is not set")
    if mapping.get("custom") is not None:
        values["custom"] = CustomOptions.from_mapping(mapping["custom"], values.get("nms", Model.nms))
    if mapping.get("own_nms") is not None:
        values["own_nms"] = OwnNMS.from_mapping(mapping["own_nms"])
    model = Model(**values)
    refuse_other_nms(model.runtime, model.nms, model.custom)
    return model
