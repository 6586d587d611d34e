"""SavedModels are refused without TensorFlow where they are no detector's; changed bytes give one error."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError, UsageError
from ckssd.graph import wire
from ckssd.graph.saved_model import check_detector, read_signatures
from ckssd.tflite.saved_model import saved_model_folder

EXAMPLES = int(os.environ.get("CKSSD_MUTATIONS", "120"))
DETECTOR = ("detection_boxes", "detection_scores", "num_detections")


def named(key: str, value: bytes) -> bytes:
    return wire.bytes_field(1, key.encode()) + wire.bytes_field(2, value)


def saved_model(**signatures: tuple[str, ...]) -> bytes:
    """A SavedModel's file with a graph of noise, and these signatures with their outputs."""
    noise = np.random.default_rng(0).bytes(50)
    parts = [wire.bytes_field(2, wire.bytes_field(1, wire.bytes_field(1, noise)))]
    for name, outputs in signatures.items():
        info = b"".join(wire.bytes_field(2, named(each, wire.bytes_field(1, b"x:0"))) for each in outputs)
        parts.append(wire.bytes_field(5, named(name, info)))
    return wire.integer_field(1, 1) + wire.bytes_field(2, b"".join(parts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def written(folder: Path, content: bytes) -> Path:
    path = folder / "saved_model.pb"
    path.write_bytes(content)
    return path


def test_signatures_and_their_outputs_are_read() -> None:
    content = saved_model(__saved_model_init_op=("x",), serving_default=DETECTOR, other=("y",))
    assert read_signatures(content) == {"serving_default": tuple(sorted(DETECTOR)), "other": ("y",)}


def test_the_signature_that_is_named_else_the_usual_else_the_only_one(folder: Path) -> None:
    both = written(folder, saved_model(serving_default=DETECTOR, other=DETECTOR))
    assert check_detector(both) == "serving_default"
    assert check_detector(both, "other") == "other"
    assert check_detector(written(folder, saved_model(only=DETECTOR))) == "only"
    with pytest.raises(UsageError, match=r"no such signature.*expected only, got another"):
        check_detector(written(folder, saved_model(only=DETECTOR)), "another")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (saved_model(serving_default=("logits",)), r"This is no detector.*got logits"),
        (saved_model(serving_default=()), "got no outputs"),
        (saved_model(serving_default=tuple(f"output_{k}" for k in range(4))), "export_tflite_graph_tf2.py"),
        (saved_model(), "has no such signature"),
        (b"", "no SavedModel"),
        (b"<html>", "no SavedModel"),
    ],
    ids=["a classifier", "nothing", "for TFLite", "no signature", "empty", "a page"],
)
def test_what_is_no_detector(content: bytes, told: str, folder: Path) -> None:
    with pytest.raises(CkssdError, match=told):
        check_detector(written(folder, content))


def test_a_file_or_an_empty_folder_is_no_saved_model(folder: Path) -> None:
    graph = folder / "graph.pb"
    graph.touch()
    with pytest.raises(InputError, match=r"no SavedModel.*got a file.*--input_model"):
        saved_model_folder(graph)
    with pytest.raises(InputError, match="got a folder without them"):
        saved_model_folder(folder)


WHOLE = saved_model(serving_default=DETECTOR, other=("y",))


def check_changed(start: int, removed: int, added: bytes) -> None:
    """Bytes in place of others: a signature, or one error."""
    start %= len(WHOLE)
    with tempfile.TemporaryDirectory() as work:
        path = written(Path(work), WHOLE[:start] + added + WHOLE[start + removed :])
        try:
            assert check_detector(path)
        except CkssdError as error:
            assert str(error).count("\n") == 0  # noqa: PT017


CHANGES = {"start": st.integers(0, len(WHOLE)), "removed": st.integers(0, 8), "added": st.binary(max_size=8)}
MUTATIONS = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@settings(MUTATIONS, max_examples=EXAMPLES)
@given(**CHANGES)
def test_changed_bytes(start: int, removed: int, added: bytes) -> None:
    check_changed(start, removed, added)


@pytest.mark.full
@settings(MUTATIONS, max_examples=5000)
@given(**CHANGES)
def test_five_thousand_changes(start: int, removed: int, added: bytes) -> None:
    check_changed(start, removed, added)
