"""OpenVINO models, made from the frozen graph of an installed TensorFlow model by sub-graph replacement."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import NotInstalledError, UsageError
from ckssd.fetch.hashing import hash_file
from ckssd.install import Provenance
from ckssd.recipes.package import Dependency, Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import step
from ckssd.worker import run_worker

NAME = "openvino_model"
SOURCE = "model-source"
SOURCE_DIGEST = "source_sha256"
LABEL_MAP = "labelmap.pbtxt"
PYTHON = "CK_ENV_LIB_OPENVINO_PYTHON_FILE"
MODEL = "CK_ENV_TENSORFLOW_MODEL_"
# What a person or the model's own entry says of its NMS, and the flag of `ckssd mo` that it is. These stand
# above what the configuration says: the same model then gives the same detections with every runtime.
NMS = {
    "NMS_SCORE_THRESHOLD": "confidence_threshold",
    "NMS_IOU_THRESHOLD": "nms_threshold",
    "MAX_DETECTIONS": "keep_top_k",
}
# Further variables of an install, and what `ckssd mo` takes if they are not given ("": what the graph says).
OPTIONS = {"DATA_TYPE": "data_type", "INPUT_SHAPE": "input_shape"}
DEFAULTS = {"DATA_TYPE": "FP32", "INPUT_SHAPE": ""}


def refuse_another_source(package: Package, there: Provenance) -> None:
    """Raise if an installed IR was made from another graph than that of the model chosen now.

    CK chooses the folder before the model, so two models of one package cannot stand side by side.

    Raises
    ------
    UsageError
        It was.
    """
    source = package.dependencies.get(SOURCE)  # a dry run has none
    graph = Path(model_flags(source.variables)["input_model"]) if source else None
    if graph is None or not graph.is_file():
        return
    digest, made_from = hash_file(graph).sha256, there.extra[SOURCE_DIGEST]
    if digest != made_from:
        raise UsageError(
            "It is installed, made from another model",
            where=package.alias,
            expected=f"{graph} (sha256 {digest})",
            got=f"sha256 {made_from}",
            advice="--env.CK_REINSTALL=yes makes it anew from the one chosen",
        )


@recipe(content={**dict.fromkeys(NMS, ""), **DEFAULTS}, check=refuse_another_source)
def openvino_model(package: Package, staging: Path) -> Used:
    """Convert the model that the entry depends on; its label map comes along.

    Raises
    ------
    NotInstalledError
        The model has no frozen graph.
    InputError, UsageError
        The graph does not fit any configuration, or a value makes no sense.
    """
    source = package.dependency(SOURCE)
    flags = {
        **model_flags(source.variables),
        **nms_flags(package.options, source),
        **{flag: package.options[name] for name, flag in OPTIONS.items() if package.options.get(name)},
        "output_dir": str(staging),
        "model_name": NAME,
    }
    done = optimize_model(package.dependency("lib-openvino").path(PYTHON), flags)["data"]
    label_map = source.variables.get(f"{MODEL}LABELMAP_FILE")
    if label_map:
        shutil.copyfile(label_map, staging / LABEL_MAP)
    decided = {name: setting["value"] for name, setting in done["settings"].items()}
    return Used(
        tools={"openvino": done["model"]["openvino"]},
        extra={
            "configuration": done["configuration"],
            SOURCE_DIGEST: done["source_sha256"],
            "settings": decided,
        },
    )


def model_flags(variables: Mapping[str, str]) -> dict[str, str]:
    """The flags of ``ckssd mo`` that name an installed model's files.

    Raises
    ------
    NotInstalledError
        It has no frozen graph.
    """
    pipeline = variables.get(f"{MODEL}PIPELINE_CONFIG")
    named = {"tensorflow_object_detection_api_pipeline_config": pipeline} if pipeline else {}
    return {"input_model": _frozen_graph(variables), **named}


def frozen_graph_of(source: Dependency) -> Path:
    """The frozen graph of an installed model.

    Raises
    ------
    NotInstalledError
        It has none.
    """
    return Path(_frozen_graph(source.variables))


def _frozen_graph(variables: Mapping[str, str]) -> str:
    """MLPerf's quantised model calls it ``graph.pb``."""
    for name in ("FROZEN_GRAPH", "GRAPH_PB"):
        if variables.get(MODEL + name):
            return variables[MODEL + name]
    raise NotInstalledError(
        "The TensorFlow model has no frozen graph",
        where=variables.get(f"{MODEL}ROOT"),
        expected=f"{MODEL}FROZEN_GRAPH",
        advice="make one from its checkpoint: ck run program:export-frozen-graph",
    )


def nms_flags(options: Mapping[str, str], source: Dependency) -> dict[str, str]:
    """Thresholds and limits: the install's own variables, else those of the model's entry."""
    stated = {name: options.get(name) or source.variables.get(MODEL + name) for name in NMS}
    return {NMS[name]: value for name, value in stated.items() if value}


def optimize_model(python: Path, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Run ``ckssd.graph`` in the Python that has OpenVINO; return ``lines`` for people and ``data``.

    Raises
    ------
    CkssdError
        What was wrong with the graph, the configuration or a flag; nothing is written then.
    """
    step("Replacing sub-graphs and writing the IR")
    with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
        settings = Path(folder) / "settings.json"
        settings.write_text(json.dumps(dict(flags)), encoding="utf-8")
        result: dict[str, Any]
        result, _ = run_worker(python, "ckssd.graph", ["--settings", str(settings)])
        return result
