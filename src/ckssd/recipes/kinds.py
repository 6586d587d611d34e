"""The recipes, by the name that a package's ``ckssd.recipe`` gives."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from ckssd.errors import InputError, UsageError
from ckssd.install import lock_of, uv_version
from ckssd.recipes.bazel import bazel_build
from ckssd.recipes.download import download
from ckssd.recipes.environments import (
    LOCK_DIGEST,
    NAMED_PYTHON,
    check_environment,
    lock_digest,
    make_environment,
)
from ckssd.recipes.imported import imported_dataset
from ckssd.recipes.object_detection_api import object_detection_api
from ckssd.recipes.onnx_model import onnx_model
from ckssd.recipes.openvino_model import frozen_graph_of, openvino_model
from ckssd.recipes.package import Package, Used
from ckssd.recipes.photographs import photographs
from ckssd.recipes.quantized import quantized_openvino_model, quantized_tflite_model
from ckssd.recipes.recipe import Recipe, recipe
from ckssd.recipes.seeded import seeded_checkpoint
from ckssd.recipes.tfjs_checkpoint import tfjs_checkpoint
from ckssd.report import say
from ckssd.tflite.convert import make_tflite_model
from ckssd.tflite.odapi import lacks as api_lacks
from ckssd.tflite.program import CHECKPOINT, EXPORT_FROM, FROZEN
from ckssd.tflite.trained import Levels

EXPORTERS = {
    CHECKPOINT: "the Object Detection API's, from the checkpoint",
    FROZEN: "this project's own, from the frozen graph",
}


def recipe_of(package: Package) -> Recipe:
    """Return the recipe that fills a folder with this package.

    Raises
    ------
    InputError
        The entry names no recipe, or one that does not exist.
    """
    name = package.section.get("recipe")
    if name not in RECIPES:
        raise InputError(
            "Unknown recipe",
            where=f"{package.alias}: ckssd.recipe",
            expected=", ".join(sorted(RECIPES)),
            got=name,
        )
    return RECIPES[name]


@recipe(means=[NAMED_PYTHON], check=check_environment)
def python_environment(package: Package, staging: Path) -> Used:
    """Make a virtual environment from the package's locked requirements."""
    python = make_environment(package, staging)
    return Used(
        tools={"python": python.version, "uv": uv_version()},
        environment=list(lock_of(staging)),
        extra={LOCK_DIGEST: lock_digest(package)},
    )


@recipe()
def shapes_dataset(package: Package, staging: Path) -> Used:
    """Draw the built-in data set."""
    # Here, because it brings NumPy and Pillow, which the other recipes need not wait for.
    from ckssd.coco.shapes import write_shapes_dataset

    write_shapes_dataset(staging, images=package.section["images"], seed=package.section["seed"])
    return Used(tools={"pillow": version("pillow"), "numpy": version("numpy")})


@recipe()
def shipped_files(package: Package, staging: Path) -> Used:
    """Copy files that this repository ships."""
    folder = package.folder / str(package.section["files"])
    if not any(folder.glob("*")):
        raise InputError(
            "The package ships no files", where=folder, advice="get the whole repository: git checkout ."
        )
    shutil.copytree(folder, staging, dirs_exist_ok=True)
    return Used()


@recipe(means=(EXPORT_FROM,))
def tflite_model(package: Package, staging: Path) -> Used:
    """Make the TFLite graphs of an SSD by the two steps: export, then convert.

    The export is the Object Detection API's, from the checkpoint; or this project's own, from the model's
    frozen graph (``EXPORT_FROM=frozen-graph``, or where the API cannot run), which gives the same detections.
    ``ckssd.levels`` (mean and deviation) makes the graphs of integers, of a model trained with quantisation.
    """
    chosen, why = exporter_of(package)
    source = package.dependency("model-source")
    say(f"    Exporter: {EXPORTERS[chosen]} ({why})")
    frozen = chosen == FROZEN
    api = None if frozen else package.dependency("models-api").path("CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR")
    made = make_tflite_model(
        package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE"),
        api,
        source.path("CK_ENV_TENSORFLOW_MODEL_ROOT"),
        staging,
        frozen_graph=frozen_graph_of(source) if frozen else None,
        levels=_levels(package),
    )
    return Used(
        tools={"tensorflow": made.tensorflow, "python": made.python},
        extra={"export_from": chosen, "export_from_because": why},
    )


def exporter_of(package: Package) -> tuple[str, str]:
    """Return what ``EXPORT_FROM`` chooses, or else what runs with the package's TensorFlow; and why.

    Raises
    ------
    UsageError
        ``EXPORT_FROM`` names no source, or one that the package cannot be made from.
    """
    chosen = package.options.get(EXPORT_FROM, "").strip()
    if chosen not in ("", *EXPORTERS):
        raise UsageError("unknown source", where=EXPORT_FROM, expected=" or ".join(EXPORTERS), got=chosen)
    if _levels(package) is not None:
        if chosen == CHECKPOINT:
            raise UsageError(
                "What was trained with quantisation is made from its frozen graph",
                where=EXPORT_FROM,
                expected=FROZEN,
                got=chosen,
            )
        return FROZEN, "it says what the training with quantisation learned"
    if chosen:
        return chosen, f"{EXPORT_FROM}={chosen}"
    source = package.dependencies.get("model-source")
    if source is not None and _is_tensorflow_2(source.variables):
        return FROZEN, "the model is one of TensorFlow 2: its SavedModel was frozen"
    lacking = api_lacks(package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_LIB"))
    if lacking is None:
        return CHECKPOINT, f"the default; {EXPORT_FROM}={FROZEN} takes the other"
    return FROZEN, f"the Object Detection API cannot run: the environment of TensorFlow has no {lacking}"


def _levels(package: Package) -> Levels | None:
    """What the grey levels stand for, of a model trained with quantisation."""
    stated = package.section.get("levels")
    return None if stated is None else Levels(*map(float, stated))


def _is_tensorflow_2(variables: Mapping[str, str]) -> bool:
    """Whether a model's checkpoint is one that only exporters of TensorFlow 2 read."""
    root = variables.get("CK_ENV_TENSORFLOW_MODEL_ROOT")
    return root is not None and any((Path(root) / "checkpoint").glob("ckpt-*.index"))


RECIPES: dict[str, Recipe] = {
    "bazel-build": bazel_build,
    "download": download,
    "imported-dataset": imported_dataset,
    "object-detection-api": object_detection_api,
    "onnx-model": onnx_model,
    "openvino-model": openvino_model,
    "photographs": photographs,
    "python-environment": python_environment,
    "quantized-openvino-model": quantized_openvino_model,
    "quantized-tflite-model": quantized_tflite_model,
    "seeded-checkpoint": seeded_checkpoint,
    "shapes-dataset": shapes_dataset,
    "shipped-files": shipped_files,
    "tfjs-checkpoint": tfjs_checkpoint,
    "tflite-model": tflite_model,
}
