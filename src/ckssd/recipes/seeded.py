"""Stand-ins of published checkpoints, built on the spot from a configuration and a seed."""

from __future__ import annotations

import shutil
from pathlib import Path

from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.tflite.seeded import make_seeded_checkpoint


def _freeze_tensorflow_2(package: Package, staging: Path) -> None:
    """Give a model of TensorFlow 2 the frozen graph that those of TensorFlow 1 are exported with."""
    from ckssd.tflite.frozen import FROZEN_GRAPH
    from ckssd.tflite.saved_model import FILE, freeze_saved_model

    graph = staging / FROZEN_GRAPH
    if not graph.exists() and (staging / "saved_model" / FILE).is_file():
        python = package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE")
        freeze_saved_model(python, staging, graph)


@recipe()
def seeded_checkpoint(package: Package, staging: Path) -> Used:
    """Make a checkpoint with the structure that the entry's configuration gives and random weights."""
    section = package.section
    made = make_seeded_checkpoint(
        package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE"),
        package.dependency("models-api").path("CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"),
        package.folder / str(section["pipeline_config"]),
        staging,
        seed=int(section["seed"]),
        images=int(section["images"]),
    )
    _freeze_tensorflow_2(package, staging)
    for name in section.get("ship", []):
        shutil.copyfile(package.folder / name, staging / Path(name).name)
    return Used(
        tools={"tensorflow": made.tensorflow, "python": made.python},
        extra={
            "seed": section["seed"],
            "images": section["images"],
            "variables": made.variables,
            "weights": made.weights,
        },
    )
