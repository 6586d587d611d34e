"""The two files of an OpenVINO model (IR): known without OpenVINO, which only its own environment has."""

from __future__ import annotations

from pathlib import Path

from ckssd.errors import InputError


def ir_files(path: Path) -> tuple[Path, Path]:
    """Find the network (``.xml``) and its weights: the ``.bin`` of the same name, where OpenVINO looks.

    Raises
    ------
    InputError
        One of them is missing.
    """
    weights = path.with_suffix(".bin")
    if not path.is_file():
        raise InputError("The IR is missing", where=path)
    if not weights.is_file():
        raise InputError(
            "The IR's weights are missing",
            where=weights,
            advice=f"an IR is two files: {weights.name} belongs beside {path.name}",
        )
    return path, weights
