"""How the metadata of a TFLite file want an image's grey levels: ``(level - mean) / std``.

They are a flatbuffer of their own in one of the model's buffers. Integer inputs take grey levels whatever the
metadata say: with one, mean and std are those of the network before it was quantised.
Source: https://ai.google.dev/edge/litert/models/metadata (NormalizationOptions); slot numbers are those of
metadata_schema.fbs and of tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ckssd.errors import InputError
from ckssd.tflite.flatbuffer import Malformed, Table
from ckssd.tflite.model import MODEL_BUFFERS, TFLiteModel

MODEL_METADATA, ENTRY_NAME, ENTRY_BUFFER = 6, 0, 1
NAME = "TFLITE_METADATA"
SUBGRAPHS, INPUTS, PROCESS_UNITS = 3, 2, 4
UNIT_KIND, UNIT_OPTIONS = 0, 1
NORMALIZATION = 1  # in the union ProcessUnitOptions
MEANS, STDS = 0, 1


@dataclass(frozen=True)
class Normalization:
    """A grey level of 0..255 becomes ``(level - mean) / std``."""

    mean: float
    std: float


def stated_normalization(model: TFLiteModel) -> Normalization | None:
    """The normalisation of the first input; None where the metadata state none, or there are none.

    Raises
    ------
    InputError
        The metadata are damaged, or ask for another one for each channel.
    """
    try:
        options = _options(model.data)
        if options is None:
            return None
        means, stds = options.numbers(MEANS, "f"), options.numbers(STDS, "f")
    except (Malformed, UnicodeDecodeError) as error:
        raise InputError("The model's metadata cannot be read", where=model.path, got=str(error)) from error
    if len(set(means)) != 1 or len(set(stds)) != 1 or not _usable(means[0], stds[0]):
        raise InputError(
            "The normalisation that the model's metadata state cannot be done",
            where=model.path,
            expected="one mean and one positive standard deviation for all channels",
            got=f"mean {list(means)}, std {list(stds)}",
            advice="take a model that does it in its graph",
        )
    return Normalization(means[0], stds[0])


def _usable(mean: float, std: float) -> bool:
    return math.isfinite(mean) and math.isfinite(std) and std > 0


def _options(data: bytes) -> Table | None:
    """The table NormalizationOptions of the first input."""
    root = Table.root(data)
    entries = [entry for entry in root.tables(MODEL_METADATA) if entry.text(ENTRY_NAME) == NAME]
    if not entries:
        return None
    buffers, index = root.tables(MODEL_BUFFERS), entries[0].number(ENTRY_BUFFER, "I")
    if index >= len(buffers):
        raise Malformed(f"buffer {index} of {len(buffers)}")
    graphs = Table.root(buffers[index].blob(0)).tables(SUBGRAPHS)
    inputs = graphs[0].tables(INPUTS) if graphs else []
    units = inputs[0].tables(PROCESS_UNITS) if inputs else []
    return next(
        (unit.table(UNIT_OPTIONS) for unit in units if unit.number(UNIT_KIND, "B") == NORMALIZATION), None
    )
