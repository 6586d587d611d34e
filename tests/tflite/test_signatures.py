"""A file with several graphs is read by its first signature, or by the one that is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st

from ckssd.detect.litert import LiteRTDetector
from ckssd.errors import InputError, UsageError
from ckssd.tflite.model import read_model
from ckssd.tflite.signatures import signatures
from tests.detect.tiny_model import OPTIONS, SIDE, tiny_model


def of_two(path: Path) -> Path:
    """Two graphs of the same weights: regular NMS as the second signature, fast as the first."""
    path.write_bytes(tiny_model(several={"quick": {"use_regular_nms": False}, "serving_default": OPTIONS}))
    return path


def test_the_runtime_reads_the_same_signatures(tmp_path: Path) -> None:
    path = of_two(tmp_path / "m.tflite")
    listed = Interpreter(model_path=str(path)).get_signature_list()
    assert list(signatures(path.read_bytes())) == ["quick", "serving_default"]
    assert set(listed) == {"quick", "serving_default"}


@pytest.mark.parametrize(("name", "nms"), [(None, "fast"), ("quick", "fast"), ("serving_default", "regular")])
def test_the_named_graph_is_the_one_that_runs(tmp_path: Path, name: str | None, nms: str) -> None:
    model = read_model(of_two(tmp_path / "m.tflite"), name)
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(tiny_model(use_regular_nms=nms == "regular"))
    image = np.random.default_rng(3).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)
    found, expected = (LiteRTDetector(each).detect(image) for each in (model, read_model(alone)))
    assert model.options is not None
    assert model.options.nms == nms
    assert len(found) > 0
    assert np.array_equal(found.boxes, expected.boxes)
    assert np.array_equal(found.scores, expected.scores)


def test_an_unknown_signature_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such signature.*expected quick, serving_default, got slow"):
        read_model(of_two(tmp_path / "m.tflite"), "slow")
    one = tmp_path / "one.tflite"
    one.write_bytes(tiny_model())
    with pytest.raises(UsageError, match="it has no signatures"):
        read_model(one, "serving_default")


@given(st.data())
def test_a_damaged_file_ends_in_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(
        tiny_model(anchors=4, several={"quick": {"use_regular_nms": False}, "serving_default": OPTIONS})
    )
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 4000) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("m") / "m.tflite"
    path.write_bytes(bytes(content))
    with contextlib.suppress(InputError):
        read_model(path)
