"""A frozen graph's detector, with a TensorFlow that fails; the real one is run end to end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from ckssd.detect import frozen


class OpError(Exception):
    message = "Incompatible shapes: [1,8] vs. [1,9]"


def test_an_operation_that_fails_is_a_runtime_error(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorflow = mock.MagicMock(errors=SimpleNamespace(OpError=OpError))
    tensorflow.Graph().get_tensor_by_name().dtype.as_numpy_dtype = np.uint8
    tensorflow.Session().make_callable().side_effect = OpError
    monkeypatch.setattr(frozen, "_tensorflow", lambda: tensorflow)
    monkeypatch.setattr(frozen, "_read", lambda *_: b"")
    detector = frozen.FrozenGraphDetector(Path("graph.pb"))
    with pytest.raises(RuntimeError, match="Incompatible shapes"):
        detector.detect(np.zeros((1, 8, 8, 3), np.uint8))
