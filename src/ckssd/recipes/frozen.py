"""A conversion that begins with a SavedModel: it is frozen first, in an environment with TensorFlow."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError

SAVED_MODEL_DIR, INPUT_MODEL, MODEL_NAME = "saved_model_dir", "input_model", "model_name"
PYTHON = "CK_ENV_LIB_TF_PYTHON_FILE"
TENSORFLOW_TAGS = "lib,tensorflow,v2"


@contextlib.contextmanager
def frozen_flags(
    flags: Mapping[str, Any], directory: Path, tensorflow: Callable[[], Path]
) -> Iterator[dict[str, Any]]:
    """Give flags of ``ckssd mo`` that name a frozen graph, which is there until the block ends.

    Parameters
    ----------
    flags
        With ``input_model``, or with ``saved_model_dir``.
    directory
        Where a relative path starts.
    tensorflow
        Asked for an interpreter that has TensorFlow 2 where a SavedModel is named.

    Raises
    ------
    UsageError
        If both or none of the two are named.
    CkssdError
        As `ckssd.tflite.saved_model.freeze_saved_model`.
    """
    named, given = flags.get(SAVED_MODEL_DIR), flags.get(INPUT_MODEL)
    if bool(named) == bool(given):
        raise UsageError(
            "Two models are named" if named else "No model is named",
            where=f"--{SAVED_MODEL_DIR}" if named else None,
            expected=f"--{INPUT_MODEL} FILE (a frozen graph) or --{SAVED_MODEL_DIR} DIR",
        )
    if given:
        yield dict(flags)
        return
    # Here, because it brings NumPy, which CK's hooks need not wait for.
    from ckssd.tflite.saved_model import freeze_saved_model

    folder = directory / str(named)
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        frozen = freeze_saved_model(tensorflow(), folder, Path(work) / "saved_model.pb")
        name = flags.get(MODEL_NAME) or "saved_model"
        yield {
            **flags,
            INPUT_MODEL: str(frozen.graph),
            SAVED_MODEL_DIR: str(folder.absolute()),
            MODEL_NAME: name,
        }
