"""A checkpoint of values that come from elsewhere: of a converted model whose own is not at hand."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ckssd.tflite.exported import Exported, export_model


def make_given_checkpoint(
    python: Path,
    obj_det_dir: Path,
    pipeline_config: Path,
    out_dir: Path,
    values: Mapping[str, npt.NDArray[Any]],
) -> Exported:
    """Make a model folder like a published one from an SSD configuration and its variables.

    Parameters
    ----------
    python, obj_det_dir, pipeline_config, out_dir
        As of `export_model`.
    values
        Name to value of every variable of the configuration's network, and of no other.

    Raises
    ------
    InputError, NotInstalledError
        As of `export_model`.
    RunError
        If a variable is missing, too many or of another shape, or TensorFlow fails.
    """
    with tempfile.TemporaryDirectory(prefix="ckssd-") as work:
        stored = Path(work) / "values.npz"
        np.savez(stored, allow_pickle=False, **dict(values))
        fields = {"values": str(stored)}
        return export_model("given_checkpoint.py", python, obj_det_dir, pipeline_config, out_dir, fields)
