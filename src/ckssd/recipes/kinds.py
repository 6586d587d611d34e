"""The recipes, by the name that a package's ``ckssd.recipe`` gives."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from ckssd.errors import InputError
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
from ckssd.recipes.object_detection_api import object_detection_api
from ckssd.recipes.openvino_model import openvino_model
from ckssd.recipes.package import Package, Used
from ckssd.recipes.quantized import quantized_openvino_model, quantized_tflite_model
from ckssd.recipes.recipe import Recipe, recipe
from ckssd.recipes.seeded import seeded_checkpoint
from ckssd.tflite.convert import make_tflite_model


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


@recipe()
def tflite_model(package: Package, staging: Path) -> Used:
    """Make the TFLite graphs of an SSD checkpoint by the two steps: export, then convert."""
    tensorflow = package.dependency("lib-tensorflow")
    checkpoint = package.dependency("model-source")
    made = make_tflite_model(
        tensorflow.path("CK_ENV_LIB_TF_PYTHON_FILE"),
        package.dependency("models-api").path("CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"),
        checkpoint.path("CK_ENV_TENSORFLOW_MODEL_ROOT"),
        staging,
    )
    return Used(tools={"tensorflow": made.tensorflow, "python": made.python})


RECIPES: dict[str, Recipe] = {
    "bazel-build": bazel_build,
    "download": download,
    "object-detection-api": object_detection_api,
    "openvino-model": openvino_model,
    "python-environment": python_environment,
    "quantized-openvino-model": quantized_openvino_model,
    "quantized-tflite-model": quantized_tflite_model,
    "seeded-checkpoint": seeded_checkpoint,
    "shapes-dataset": shapes_dataset,
    "shipped-files": shipped_files,
    "tflite-model": tflite_model,
}
