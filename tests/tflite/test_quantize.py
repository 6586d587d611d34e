"""What the converter's own script refuses to quantise."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

STEPS = Path(__file__).resolve().parents[2] / "src/ckssd/tflite/inside/tflite_steps.py"


def test_tensorflow_1_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(__version__="1.13.1"))
    convert = runpy.run_path(str(STEPS))["convert"]
    with pytest.raises(SystemExit, match=r"quantising needs TensorFlow 2, this is 1\.13\.1"):
        convert({"calibration": ["a.jpg"], "graph": "not read"}, {})
