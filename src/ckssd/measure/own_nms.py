"""What this project's own NMS is told for a graph without it (USE_NMS=none): kind, anchors, options.

The graph says none of these. The model's entry does, by the variables that the published packages have
(CK_ENV_TENSORFLOW_MODEL_ANCHORS, …_NMS_SCORE_THRESHOLD, …); custom settings go before them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckssd.errors import UsageError
from ckssd.measure.custom import CHECKS, CustomOptions
from ckssd.measure.models import MODEL, model_folder, required, value
from ckssd.measure.values import bad_value, choice, file_path, switch
from ckssd.tflite.options import PostProcessOptions

VARIABLE = "CK_NMS"
DEFAULT_KIND = "regular"
ADVICE = "the model's entry should give it; graphs with the postprocessing operator hold it (USE_NMS=regular)"
_kind = choice("regular", "fast")
# Runtimes whose models always do NMS themselves.
NMS_IN_GRAPH = {
    "openvino": "the NMS of an IR is its DetectionOutput: by class, with the settings of the conversion",
    "tensorflow": "the NMS of a frozen graph is its Postprocessor: by class, with the settings of the export",
}


@dataclass(frozen=True)
class OwnNMS:
    """``anchors`` is the path of the model's list of anchors; ``options`` has the operator's meaning."""

    anchors: str
    options: PostProcessOptions

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> OwnNMS:
        """Read the model's variables, then custom settings if they are switched on.

        Raises
        ------
        UsageError
            A variable is missing, has a bad value, or does not go with the kind of NMS.
        """
        anchors = required(environment, f"{MODEL}ANCHORS", ADVICE)
        options = PostProcessOptions(**_options(environment))
        custom = CustomOptions.from_environment(environment, kind_of(environment))
        if custom is not None:
            options = custom.apply(options)
        options = dataclasses.replace(options, use_regular_nms=kind_of(environment) == "regular")
        if not options.use_regular_nms and options.max_classes_per_detection > 1:
            variable = f"{MODEL}MAX_CLASSES_PER_DETECTION"
            raise bad_value(variable, "1 together with fast NMS", options.max_classes_per_detection)
        return cls(str(file_path(f"{MODEL}ANCHORS", model_folder(environment) / anchors)), options)

    @classmethod
    def from_mapping(cls, mapping: Any) -> OwnNMS:
        """The same from a JSON object with this class's field names."""
        names = {field.name for field in dataclasses.fields(PostProcessOptions)}
        options = mapping.get("options") if isinstance(mapping, Mapping) else None
        if (
            not isinstance(options, Mapping)
            or set(mapping) != {"anchors", "options"}
            or set(options) != names
        ):
            raise bad_value(
                "own_nms", f"an object with anchors, and options {', '.join(sorted(names))}", mapping
            )
        checks = {**{name: check for name, (_, check) in CHECKS.items()}, "use_regular_nms": switch}
        checked = {name: checks[name](f"own_nms.options.{name}", given) for name, given in options.items()}
        return cls(str(file_path("own_nms.anchors", mapping["anchors"])), PostProcessOptions(**checked))


def kind_of(environment: Mapping[str, str]) -> str:
    """Which NMS this project does itself: ``regular`` or ``fast``."""
    return str(_kind(VARIABLE, value(environment, VARIABLE) or DEFAULT_KIND))


def refuse_own_nms(environment: Mapping[str, str], runtime: str, nms: str) -> None:
    """Raise a UsageError if CK_NMS is set although the graph does NMS itself."""
    given = value(environment, VARIABLE)
    if given is None:
        return
    if runtime in NMS_IN_GRAPH:
        raise UsageError(
            f"{VARIABLE} counts only for TFLite graphs without NMS",
            expected="no value",
            got=given,
            advice=NMS_IN_GRAPH[runtime],
        )
    raise UsageError(
        f"{VARIABLE} counts only for a graph without NMS",
        expected="USE_NMS=none",
        got=f"USE_NMS={nms}",
    )


def refuse_other_nms(runtime: str, nms: str, custom: CustomOptions | None) -> None:
    """Refuse settings of an NMS that a runtime cannot do: only TFLite's operator can be told another.

    Raises
    ------
    UsageError
        NMS is not regular, or custom settings are asked for.
    """
    if runtime not in NMS_IN_GRAPH:
        return
    if nms != "regular":
        raise UsageError(
            "USE_NMS has no value that can be used",
            where=f"CK_RUNTIME={runtime}",
            expected="regular",
            got=nms,
            advice=NMS_IN_GRAPH[runtime],
        )
    if custom is not None:
        raise UsageError(
            "CUSTOM_MODEL_SETTINGS works with TFLite models only",
            expected="no",
            got="yes",
            advice=NMS_IN_GRAPH[runtime],
        )


def _options(environment: Mapping[str, str]) -> dict[str, Any]:
    """The options that the model's variables give; only DETECTIONS_PER_CLASS has a default."""
    found: dict[str, Any] = {}
    for name, (variable, check) in CHECKS.items():
        text = value(environment, MODEL + variable)
        if text is not None:
            found[name] = check(MODEL + variable, text)
        elif name != "detections_per_class":
            required(environment, MODEL + variable, ADVICE)
    return found
