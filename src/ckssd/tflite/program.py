"""The CK programs around the exporters and the converter: settings from variables, then the work.

A variable that is empty counts as not set. Settings of the postprocessing op come from the person (such
as ``MAX_DETECTIONS``), else from the model's entry (``CK_ENV_TENSORFLOW_MODEL_MAX_DETECTIONS``), else the
default.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ckssd.errors import InputError, NotInstalledError, UsageError
from ckssd.graph.pipeline import read_pipeline
from ckssd.tflite.asked import notes_on
from ckssd.tflite.convert import Conversion, Converted, convert_graph
from ckssd.tflite.export import ANCHORS, GRAPH, Checkpoint, export_tflite_graph
from ckssd.tflite.frozen import FROZEN_GRAPH, export_frozen_graph
from ckssd.tflite.settings import ExportSettings
from ckssd.tflite.trained import INFERENCE_TYPE, levels_from

MODEL = "CK_ENV_TENSORFLOW_MODEL_"
OUTPUT_DIRECTORY = "OUTPUT_DIRECTORY"
GRAPH_FILE = "TFLITE_GRAPH"
CONFIG_OVERRIDE = "CONFIG_OVERRIDE"
FROZEN_GRAPH_FILE, EXPORT_FROM, PIPELINE_CONFIG = "FROZEN_GRAPH", "EXPORT_FROM", "PIPELINE_CONFIG"
# What EXPORT_FROM may say.
CHECKPOINT, FROZEN, FILE = "checkpoint", "frozen-graph", "file"
WITH_POSTPROCESS = "detect.tflite"
WITHOUT_POSTPROCESS = "detect_cut.tflite"

_INSTALL_TENSORFLOW = "ck install package --tags=lib,tensorflow"
_INSTALL_API = "ck install package --tags=model,tensorflow,api"
INSTALL_MODEL = "ck install package --tags=model,tensorflow,object-detection"

_WHOLE = {
    "MAX_DETECTIONS": "max_detections",
    "MAX_CLASSES_PER_DETECTION": "max_classes_per_detection",
    "DETECTIONS_PER_CLASS": "detections_per_class",
}
_REAL = {"NMS_SCORE_THRESHOLD": "score_threshold", "NMS_IOU_THRESHOLD": "iou_threshold"}
_VARIABLES = {"nms": "USE_NMS"} | {name: variable for variable, name in (_WHOLE | _REAL).items()}


@dataclass(frozen=True)
class Given:
    """A setting's variable, and its value as a number."""

    variable: str
    value: int | float


@dataclass(frozen=True)
class Exported:
    """The graph of Step 1, as binary and as text, its settings, and how they differ from the model's own."""

    graph: Path
    graph_text: Path
    settings: ExportSettings
    notes: tuple[str, ...] = ()


def export_from_environment(env: Mapping[str, str], directory: Path) -> Exported:
    """Step 1 as the program ``export-tflite-ssd-graph`` runs it.

    Parameters
    ----------
    env
        ``CK_ENV_LIB_TF_PYTHON_FILE`` (or ``CK_ENV_COMPILER_PYTHON_FILE``),
        ``CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR``, ``CK_ENV_TENSORFLOW_MODEL_ROOT`` (or ``_WEIGHTS_FILE``,
        ``_PIPELINE_CONFIG``), ``USE_NMS``, ``MAX_DETECTIONS``, ``MAX_CLASSES_PER_DETECTION``,
        ``DETECTIONS_PER_CLASS``, ``NMS_SCORE_THRESHOLD``, ``NMS_IOU_THRESHOLD``, ``OUTPUT_DIRECTORY``.
    directory
        Where relative paths start and, without ``OUTPUT_DIRECTORY``, where the graph goes.

    Raises
    ------
    UsageError
        If a value makes no sense; ``where`` is the variable's name.
    NotInstalledError
        If a variable that an installed package gives is not set.
    InputError, RunError
        As `ckssd.tflite.export.export_tflite_graph`.
    """
    settings = settings_from_environment(env)
    python = python_from_environment(env)
    obj_det_dir = Path(installed(env, "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR", _INSTALL_API))
    checkpoint = checkpoint_from_environment(env)
    output = output_directory(env, directory)
    graph, text = export_tflite_graph(python, obj_det_dir, checkpoint, output, settings)
    notes = notes_on(read_pipeline(checkpoint.pipeline_config), settings, given_settings(env))
    return Exported(graph, text, settings, notes)


def freeze_from_environment(env: Mapping[str, str], directory: Path) -> Path:
    """Export a frozen graph as the program ``export-frozen-graph`` runs it; return its file.

    Parameters
    ----------
    env
        As for `export_from_environment`, without the settings of the postprocessing: a frozen graph has
        those of ``pipeline.config``. ``CONFIG_OVERRIDE`` is protobuf text merged into it.
    directory
        Where relative paths start and, without ``OUTPUT_DIRECTORY``, where the graph goes.

    Raises
    ------
    NotInstalledError
        If a variable that an installed package gives is not set.
    InputError, RunError
        As `ckssd.tflite.frozen.export_frozen_graph`.
    """
    return export_frozen_graph(
        python_from_environment(env),
        Path(installed(env, "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR", _INSTALL_API)),
        checkpoint_from_environment(env),
        output_directory(env, directory) / FROZEN_GRAPH,
        config_override=env.get(CONFIG_OVERRIDE, ""),
    )


def convert_from_environment(
    env: Mapping[str, str], directory: Path, calibration: tuple[Path, ...] = ()
) -> Converted:
    """Step 2 as the program ``convert-tflite`` runs it.

    Makes ``detect.tflite`` (unless the graph has no NMS), ``detect_cut.tflite`` (without postprocessing) and
    ``flatanchors.txt``; quantised ones are ``detect_int8.tflite`` and ``detect_cut_int8.tflite``, or, of a
    graph that was trained with quantisation, ``detect_uint8.tflite`` and ``detect_cut_uint8.tflite``.

    Parameters
    ----------
    env
        ``CK_ENV_LIB_TF_PYTHON_FILE`` (or ``CK_ENV_COMPILER_PYTHON_FILE``), ``TFLITE_GRAPH`` (by default
        ``tflite_graph.pb`` in the output directory, else in ``CK_ENV_TENSORFLOW_MODEL_ROOT``),
        ``OUTPUT_DIRECTORY``; ``INFERENCE_TYPE`` (``QUANTIZED_UINT8``), ``MEAN_VALUES`` and
        ``STD_DEV_VALUES`` (see ckssd.tflite.trained).
    directory
        Where relative paths start and, without ``OUTPUT_DIRECTORY``, where the files go.
    calibration
        Images to quantise with; none: the files stay in float.

    Raises
    ------
    NotInstalledError
        If no interpreter is given.
    InputError, RunError
        As `ckssd.tflite.convert.convert_graph`.
    """
    python = python_from_environment(env)
    output = output_directory(env, directory)
    graph = _graph(env, directory, output)
    levels = levels_from(env)
    if levels is not None and calibration:
        raise UsageError(
            "A graph is quantised by its training or by images, not by both",
            where=INFERENCE_TYPE,
            expected=f"{INFERENCE_TYPE} or images to calibrate with",
        )
    whole, cut = output / WITH_POSTPROCESS, output / WITHOUT_POSTPROCESS
    if calibration or levels is not None:
        kind = "int8" if calibration else "uint8"
        whole, cut = (path.with_stem(f"{path.stem}_{kind}") for path in (whole, cut))
    conversions = [Conversion(cut, postprocess=False, calibration=calibration, levels=levels)]
    if _has_postprocessing(graph):
        conversions.insert(0, Conversion(whole, calibration=calibration, levels=levels))
    return convert_graph(python, graph, conversions, anchors=output / ANCHORS)


def settings_from_environment(env: Mapping[str, str]) -> ExportSettings:
    """Read and check the settings of the postprocessing op.

    Raises
    ------
    UsageError
        If a value makes no sense; ``where`` is the variable's name.
    """
    given = {name: each.value for name, each in given_settings(env).items()}
    with naming_variables(env):
        return ExportSettings(nms=nms_kind(env), **given)  # type: ignore[arg-type]


def given_settings(env: Mapping[str, str]) -> dict[str, Given]:
    """The settings that somebody gives, by their names in `ExportSettings`."""
    given = {}
    for variable, name in (_WHOLE | _REAL).items():
        found, text = _setting(env, variable)
        if text:
            given[name] = Given(found, _whole(found, text) if variable in _WHOLE else _real(found, text))
    return given


def nms_kind(env: Mapping[str, str]) -> str:
    """The kind of NMS that ``USE_NMS`` asks for."""
    return env.get("USE_NMS", "").strip().lower() or "regular"


@contextlib.contextmanager
def naming_variables(env: Mapping[str, str]) -> Iterator[None]:
    """Let a UsageError name the variable in place of the attribute of `ExportSettings`."""
    try:
        yield
    except UsageError as error:
        variable = _VARIABLES.get(str(error.where))
        raise UsageError(
            error.what,
            where=_setting(env, variable)[0] if variable else error.where,
            expected=error.expected,
            got=error.got,
            advice=error.advice,
        ) from error


def python_from_environment(env: Mapping[str, str]) -> Path:
    """The interpreter of the environment that has TensorFlow.

    Raises
    ------
    NotInstalledError
        If neither variable is set, or the file does not exist.
    """
    variable = "CK_ENV_LIB_TF_PYTHON_FILE"
    if not env.get(variable):
        variable = "CK_ENV_COMPILER_PYTHON_FILE" if env.get("CK_ENV_COMPILER_PYTHON_FILE") else variable
    python = Path(installed(env, variable, _INSTALL_TENSORFLOW))
    if not python.is_file():
        raise NotInstalledError(
            f"{variable} names no file", where=python, advice=f"install it again: {_INSTALL_TENSORFLOW}"
        )
    return python


def checkpoint_from_environment(env: Mapping[str, str]) -> Checkpoint:
    """The checkpoint of the chosen model: its own variables first, then its directory."""
    weights, config = env.get(MODEL + "WEIGHTS_FILE"), env.get(MODEL + "PIPELINE_CONFIG")
    root = env.get(MODEL + "ROOT")
    if not root and weights:
        root = str(Path(weights).parent)
    if not root:
        root = installed(env, MODEL + "ROOT", INSTALL_MODEL)
    usual = Checkpoint.in_directory(Path(root))
    return Checkpoint(
        Path(config) if config else usual.pipeline_config, Path(weights) if weights else usual.prefix
    )


def _graph(env: Mapping[str, str], directory: Path, output: Path) -> Path:
    if env.get(GRAPH_FILE):
        return directory / env[GRAPH_FILE]
    root = env.get(MODEL + "ROOT")
    places = [output / GRAPH, *([Path(root) / GRAPH] if root else [])]
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        "no graph to convert",
        where=" or ".join(map(str, places)),
        advice=f"make it with ck run program:export-tflite-ssd-graph, or name it with {GRAPH_FILE}",
    )


def _has_postprocessing(file: Path) -> bool:
    """Whether a graph for TFLite has NMS; InputError for any other graph, before TensorFlow starts."""
    # Here, because it brings NumPy, which those that install need not wait for.
    from ckssd.graph.graphdef import read_graph
    from ckssd.graph.ssd.kinds import EXPECTED_FOR_TFLITE, TFLITE_OPERATION, check_for_tflite

    graph = read_graph(file, EXPECTED_FOR_TFLITE)
    check_for_tflite(graph)
    return TFLITE_OPERATION in graph


def output_directory(env: Mapping[str, str], directory: Path) -> Path:
    """Where the files go: ``OUTPUT_DIRECTORY``, else `directory`."""
    return directory / env.get(OUTPUT_DIRECTORY, "")


def _setting(env: Mapping[str, str], variable: str) -> tuple[str, str]:
    """The name of the variable that decides, and its text ('' if none is set)."""
    for name in (variable, MODEL + variable):
        if env.get(name, "").strip():
            return name, env[name].strip()
    return variable, ""


def installed(env: Mapping[str, str], variable: str, advice: str) -> str:
    """The value of a variable that an installed package gives; NotInstalledError without one."""
    if not env.get(variable):
        raise NotInstalledError(f"{variable} is not set", advice=advice)
    return env[variable]


def _whole(variable: str, text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise UsageError("not a number", where=variable, expected="a whole number of at least 1", got=text)
    return int(text)


def _real(variable: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError("not a number", where=variable, expected="a number from 0 to 1", got=text) from None
