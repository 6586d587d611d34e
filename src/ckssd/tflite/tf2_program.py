"""Models of TensorFlow 2 on the way to TFLite: whatever is named, a frozen graph of it comes first."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ckssd.errors import UsageError
from ckssd.report import say
from ckssd.tflite.program import (
    CHECKPOINT,
    EXPORT_FROM,
    FROZEN,
    FROZEN_GRAPH_FILE,
    MODEL,
    PIPELINE_CONFIG,
    installed,
    python_from_environment,
)
from ckssd.tflite.saved_model import FILE, freeze_saved_model, saved_model_folder
from ckssd.tflite.tf2_checkpoint import (
    API_TAGS,
    CONFIG,
    checkpoint_in,
    export_saved_model,
    find_checkpoint,
)

SAVED_MODEL_DIR = "SAVED_MODEL_DIR"
API = "CK_ENV_TENSORFLOW_MODELS_OBJ_DET_DIR"


@contextlib.contextmanager
def frozen_first(env: Mapping[str, str], directory: Path) -> Iterator[dict[str, str]]:
    """Give variables that name a frozen graph where these name a model of TensorFlow 2; else as they are.

    Parameters
    ----------
    env
        ``SAVED_MODEL_DIR``; or ``CK_ENV_TENSORFLOW_MODEL_ROOT``, a folder with ``checkpoint/ckpt-0.*`` and
        ``pipeline.config``, as exporters of TensorFlow 2 and training leave it. Its frozen graph or
        SavedModel is taken if it is there, else the checkpoint is exported.
    directory
        Where relative paths start.

    Raises
    ------
    CkssdError
        As `freeze_saved_model` and `export_saved_model`.
    """
    named = env.get(SAVED_MODEL_DIR, "").strip()
    if named and env.get(FROZEN_GRAPH_FILE, "").strip():
        raise UsageError("Two models are named", where=SAVED_MODEL_DIR, expected=f"it or {FROZEN_GRAPH_FILE}")
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        graph = Path(work) / "frozen_inference_graph.pb"
        if named:
            folder = saved_model_folder(directory / named)
            freeze_saved_model(python_from_environment(env), folder, graph)
            yield {**env, FROZEN_GRAPH_FILE: str(graph), **_pipeline_beside(env, folder)}
        elif (root := _tensorflow_2_root(env)) is not None:
            yield {**env, EXPORT_FROM: FROZEN, MODEL + FROZEN_GRAPH_FILE: str(_frozen(env, root, graph))}
        else:
            yield dict(env)


def _tensorflow_2_root(env: Mapping[str, str]) -> Path | None:
    """The chosen model's folder, if it has a checkpoint of TensorFlow 2 and that is asked for."""
    if env.get(FROZEN_GRAPH_FILE, "").strip() or env.get(EXPORT_FROM, "").strip() not in ("", CHECKPOINT):
        return None
    root = env.get(MODEL + "ROOT", "")
    return Path(root) if root and find_checkpoint(Path(root)) is not None else None


def _frozen(env: Mapping[str, str], root: Path, graph: Path) -> Path:
    ready = root / graph.name
    if ready.is_file():
        return ready
    checkpoint = checkpoint_in(root)
    python = python_from_environment(env)
    if (root / "saved_model" / FILE).is_file():
        say(f"    The SavedModel beside the checkpoint is taken: {root / 'saved_model'}")
        saved_model = root / "saved_model"
    else:
        api = Path(installed(env, API, f"ck install package --tags={API_TAGS}"))
        saved_model = export_saved_model(python, api, checkpoint, graph.parent / "exported")
    freeze_saved_model(python, saved_model, graph)
    (graph.parent / CONFIG).write_bytes(checkpoint.pipeline_config.read_bytes())
    return graph


def _pipeline_beside(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The configuration of a SavedModel in a model's folder, unless another one is named."""
    beside = folder.parent / CONFIG
    if env.get(PIPELINE_CONFIG, "").strip() or not beside.is_file():
        return {}
    return {PIPELINE_CONFIG: str(beside)}
