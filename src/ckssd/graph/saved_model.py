"""Reads what a SavedModel says it computes, without TensorFlow: which would take seconds to refuse it.

Field numbers: tensorflow/core/protobuf/{saved_model,meta_graph}.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ckssd.errors import InputError, UsageError
from ckssd.graph import wire

_META_GRAPH, _SIGNATURES, _OUTPUTS = 2, 5, 2
_KEY, _VALUE = 1, 2
DEFAULT, BOXES = "serving_default", "detection_boxes"
# What TensorFlow keeps for itself.
_INTERNAL = "__"
_FOR_TFLITE = {"output_0", "output_1", "output_2", "output_3"}


def read_signatures(data: bytes) -> dict[str, tuple[str, ...]]:
    """Return the names of a SavedModel's signatures, and of the outputs of each.

    Raises
    ------
    wire.Malformed, ValueError
        If the bytes are no SavedModel.
    """
    graphs = [field.message() for field in wire.fields(data) if field.number == _META_GRAPH]
    if not graphs:
        raise wire.Malformed("no graph in it")
    found = {}
    for name, signature in _entries(graphs[0], _SIGNATURES):
        if not name.startswith(_INTERNAL):
            found[name] = tuple(sorted(output for output, _ in _entries(signature, _OUTPUTS)))
    return found


def _entries(message: memoryview, number: int) -> Iterator[tuple[str, memoryview]]:
    """The entries of a map field: a text and a message each."""
    for field in wire.fields(message):
        if field.number == number:
            key, value = "", message[:0]
            for part in wire.fields(field.message()):
                if part.number == _KEY:
                    key = part.text()
                elif part.number == _VALUE:
                    value = part.message()
            yield key, value


def check_detector(file: Path, signature: str | None = None) -> str:
    """Return the signature to take: the one named, else the usual one, else the only one.

    Raises
    ------
    InputError
        If the file is no SavedModel, or one of no detector.
    UsageError
        If it has no such signature.
    """
    try:
        found = read_signatures(file.read_bytes())
    except OSError as error:
        raise InputError("The SavedModel cannot be read", where=file, got=error.strerror or error) from error
    except ValueError as error:
        raise InputError("The file is no SavedModel", where=file, got=error) from error
    chosen = signature or (DEFAULT if DEFAULT in found or len(found) != 1 else next(iter(found)))
    if chosen not in found:
        raise UsageError(
            "The SavedModel has no such signature",
            where=file,
            expected=", ".join(found) or "any: it has none",
            got=chosen,
        )
    if BOXES not in found[chosen]:
        raise _no_detector(file, chosen, found[chosen])
    return chosen


def _no_detector(file: Path, signature: str, outputs: tuple[str, ...]) -> InputError:
    if set(outputs) >= _FOR_TFLITE:
        return InputError(
            "This SavedModel ends in TFLite's own operation: export_tflite_graph_tf2.py made it",
            where=file,
            expected=f"the output {BOXES}, as exporter_main_v2.py gives it",
            advice="name the checkpoint's folder, or the SavedModel of exporter_main_v2.py",
        )
    return InputError(
        "This is no detector",
        where=f"{file}, signature {signature}",
        expected=f"the output {BOXES}",
        got=", ".join(outputs) or "no outputs",
    )
