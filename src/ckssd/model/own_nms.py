"""What this project's own NMS is told for a graph without it (USE_NMS=none): kind, anchors, options.

The graph says none of these. The model's entry does, by the variables that the published packages have
(CK_ENV_TENSORFLOW_MODEL_ANCHORS, …_NMS_SCORE_THRESHOLD, …); custom settings go before them. For a model that
was made elsewhere and has no such entry, pipeline.config says it, else the defaults of those packages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckssd.errors import InputError, UsageError
from ckssd.graph.pipeline import Pipeline, read_pipeline
from ckssd.model.beside import ANCHORS, find_anchors, find_pipeline
from ckssd.model.custom import CHECKS, CustomOptions
from ckssd.model.files import model_folder, value
from ckssd.model.runtimes import MODEL, ONNX, RUNTIMES, variable_for
from ckssd.onnx.model import read_onnx
from ckssd.tflite.activation import HasOutputs, class_output
from ckssd.tflite.model import read_model
from ckssd.tflite.options import PostProcessOptions
from ckssd.values import bad_value, choice, file_path, switch

VARIABLE = "CK_NMS"
DEFAULT_KIND = "regular"
ADVICE = "the model's entry should give it; graphs with the postprocessing operator hold it (USE_NMS=regular)"
NO_ANCHORS = f"it, or a file {' or '.join(ANCHORS)}"
# What the published packages state, for a model that states nothing.
DEFAULTS: dict[str, float] = {
    "max_classes_per_detection": 1,
    "max_detections": 100,
    "nms_score_threshold": 0.3,
    "nms_iou_threshold": 0.6,
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
}
LEAST_COLUMNS = 2  # one class and the background
_kind = choice("regular", "fast")


@dataclass(frozen=True)
class OwnNMS:
    """``anchors`` is the path of the model's list of anchors; ``options`` has the operator's meaning."""

    anchors: str
    options: PostProcessOptions

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


@dataclass(frozen=True)
class Graph:
    """A graph without NMS: its file, and which of several in it."""

    runtime: str
    file: Path
    signature: str | None = None

    def read(self) -> HasOutputs:
        """Its outputs; InputError if the file cannot be read."""
        if RUNTIMES[self.runtime].ending == ONNX:
            return read_onnx(self.file)
        return read_model(self.file, self.signature)


def kind_of(environment: Mapping[str, str]) -> str:
    """Which NMS this project does itself: ``regular`` or ``fast``."""
    return str(_kind(VARIABLE, value(environment, VARIABLE) or DEFAULT_KIND))


def refuse_own_nms(environment: Mapping[str, str], runtime: str, nms: str) -> None:
    """Raise a UsageError if CK_NMS is set although the graph does NMS itself."""
    given = value(environment, VARIABLE)
    if given is None:
        return
    advice = RUNTIMES[runtime].graph_nms
    if advice is not None:
        raise UsageError(
            f"{VARIABLE} counts only for graphs without NMS",
            expected="no value",
            got=given,
            advice=advice,
        )
    raise UsageError(
        f"{VARIABLE} counts only for a graph without NMS",
        expected="USE_NMS=none",
        got=f"USE_NMS={nms}",
    )


def refuse_other_nms(runtime: str, nms: str, custom: CustomOptions | None) -> None:
    """Refuse settings of an NMS that a graph cannot do: only TFLite's operator can be told another.

    Raises
    ------
    UsageError
        NMS is not regular, or custom settings are asked for.
    """
    advice = RUNTIMES[runtime].graph_nms
    if advice is None or (nms == "none" and RUNTIMES[runtime].without_nms):
        return
    if nms != "regular":
        raise UsageError(
            "USE_NMS has no value that can be used",
            where=f"CK_RUNTIME={runtime}",
            expected="regular",
            got=nms,
            advice=advice,
        )
    if custom is not None:
        raise UsageError(
            "CUSTOM_MODEL_SETTINGS cannot be put into this graph",
            where=f"CK_RUNTIME={runtime}",
            expected="no",
            got="yes",
            advice=advice,
        )


def own_nms_of(
    environment: Mapping[str, str], runtime: str, file: Path, signature: str | None = None
) -> tuple[OwnNMS, tuple[str, ...]]:
    """Read the model's variables, then custom settings if they are switched on; and say what was assumed.

    Raises
    ------
    UsageError
        A variable has a bad value or does not go with the kind of NMS; or there are no anchors.
    InputError
        The graph or its pipeline.config cannot be read.
    """
    config = find_pipeline(file)
    pipeline = None if config is None else read_pipeline(config)
    found, notes = _options(environment, Graph(runtime, file, signature), pipeline)
    options = PostProcessOptions(**found)
    kind = kind_of(environment)
    custom = CustomOptions.from_environment(environment, kind)
    if custom is not None:
        options = custom.apply(options)
    options = dataclasses.replace(options, use_regular_nms=kind == "regular")
    if not options.use_regular_nms and options.max_classes_per_detection > 1:
        variable = variable_for(runtime, f"{MODEL}MAX_CLASSES_PER_DETECTION")
        raise bad_value(variable, "1 together with fast NMS", options.max_classes_per_detection)
    return OwnNMS(str(_anchors(environment, runtime, file)), options), (*notes, *_unlike(pipeline, kind))


def _anchors(environment: Mapping[str, str], runtime: str, file: Path) -> Path:
    """The file that the entry names, relative to its folder; else one beside the graph."""
    variable = variable_for(runtime, f"{MODEL}ANCHORS")
    text = value(environment, variable)
    if text is not None:
        return file_path(variable, model_folder(environment, runtime) / text)
    found = find_anchors(file)
    if found is None:
        raise UsageError(f"{variable} is not set", where=f"beside {file}", expected=NO_ANCHORS, advice=ADVICE)
    return found


def _options(
    environment: Mapping[str, str], graph: Graph, pipeline: Pipeline | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The options, each from the first that states it; and a note on those that nobody does."""
    found: dict[str, Any] = {}
    stated = {} if pipeline is None else _in_pipeline(pipeline)
    assumed = []
    for name, (setting, check) in CHECKS.items():
        variable = variable_for(graph.runtime, MODEL + setting)
        text = value(environment, variable)
        if text is not None:
            found[name] = check(variable, text)
        elif stated.get(name) is not None:
            found[name] = check(f"{name} in {pipeline.path if pipeline else graph.file}", stated[name])
        elif name == "num_classes":
            found[name] = _classes(graph)
        elif name in DEFAULTS:
            found[name] = DEFAULTS[name]
            assumed.append(f"{setting}={DEFAULTS[name]:g}")
    notes = (f"nobody states these settings of NMS; assumed: {', '.join(assumed)}",) if assumed else ()
    return found, notes


def _unlike(pipeline: Pipeline | None, kind: str) -> tuple[str, ...]:
    """What the configuration asks for and this kind of NMS does not do."""
    notes = []
    if pipeline is not None and pipeline.nms("soft_nms_sigma"):
        notes.append(f"{pipeline.path.name} asks for soft NMS; this NMS suppresses for good")
    if pipeline is not None and pipeline.class_agnostic_nms() and kind == "regular":
        notes.append(f"{pipeline.path.name} asks for class-agnostic NMS, which only fast NMS is")
    return tuple(notes)


def _in_pipeline(pipeline: Pipeline) -> dict[str, float | None]:
    """The same settings by the Object Detection API's names."""
    coder = ("model", "ssd", "box_coder", "faster_rcnn_box_coder")
    sides = {"y": "y_scale", "x": "x_scale", "h": "height_scale", "w": "width_scale"}
    scales = {f"{side}_scale": pipeline.number(*coder, name) for side, name in sides.items()}
    return {
        "num_classes": _whole(pipeline.number("model", "ssd", "num_classes")),
        "max_detections": _whole(pipeline.nms("max_total_detections")),
        "detections_per_class": _whole(pipeline.nms("max_detections_per_class")),
        "nms_score_threshold": pipeline.nms("score_threshold"),
        "nms_iou_threshold": pipeline.nms("iou_threshold"),
        **scales,
    }


def _whole(number: float | None) -> int | float | None:
    return int(number) if number is not None and number.is_integer() else number


def _classes(graph: Graph) -> int:
    """Real classes of a graph without NMS: the columns of its class outputs less the background."""
    model = graph.read()
    index = class_output(model)
    columns = 0 if index is None else model.outputs[index].shape[-1]
    if columns < LEAST_COLUMNS:
        raise InputError(
            "The model is no SSD detector that can be run here",
            where=graph.file,
            expected="box encodings [1, anchors, 4] and class predictions [1, anchors, classes + 1]",
            got=", ".join(f"{output.name} {[*output.shape]}" for output in model.outputs) or "no outputs",
        )
    return columns - 1
