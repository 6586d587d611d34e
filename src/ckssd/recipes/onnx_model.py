"""ONNX models, made from the frozen graph of an installed TensorFlow model by tf2onnx."""

from __future__ import annotations

import shutil
from pathlib import Path

from ckssd.fetch.hashing import hash_file
from ckssd.recipes.openvino_model import (
    LABEL_MAP,
    MODEL,
    SOURCE,
    SOURCE_DIGEST,
    model_flags,
    refuse_another_source,
)
from ckssd.recipes.package import Package, Used
from ckssd.recipes.recipe import recipe
from ckssd.values import switch

PYTHON = "CK_ENV_LIB_TF2ONNX_PYTHON_FILE"
PIPELINE = "pipeline.config"
# Whether to make the graph with its NMS, too, which takes minutes for 90 classes.
WHOLE_GRAPH = "WHOLE_GRAPH"


@recipe(content={WHOLE_GRAPH: "yes"}, check=refuse_another_source)
def onnx_model(package: Package, staging: Path) -> Used:
    """Convert the model that the entry depends on; its label map and configuration come along.

    Raises
    ------
    UsageError
        ``WHOLE_GRAPH`` is neither yes nor no.
    NotInstalledError
        The model has no frozen graph.
    InputError, RunError
        The graph is no SSD's, or tf2onnx fails.
    """
    # Here, because it brings NumPy, which the other recipes need not wait for.
    from ckssd.onnx.convert import make_onnx_model

    source = package.dependency(SOURCE)
    graph = Path(model_flags(source.variables)["input_model"])
    whole = switch(WHOLE_GRAPH, package.options.get(WHOLE_GRAPH) or "yes")
    versions = make_onnx_model(package.dependency("lib-tf2onnx").path(PYTHON), graph, staging, whole=whole)
    for variable, name in {"LABELMAP_FILE": LABEL_MAP, "PIPELINE_CONFIG": PIPELINE}.items():
        if source.variables.get(MODEL + variable):
            shutil.copyfile(source.variables[MODEL + variable], staging / name)
    return Used(tools=versions, extra={SOURCE_DIGEST: hash_file(graph).sha256})
