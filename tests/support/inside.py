"""Scripts of folders called ``inside``: they stand alone, so they are loaded by their file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import ckssd.tflite

INSIDE = Path(ckssd.tflite.__file__).parent / "inside"


def load_inside(name: str) -> ModuleType:
    """The module of a script of src/ckssd/tflite/inside; it is not run as a program."""
    spec = importlib.util.spec_from_file_location(name, INSIDE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
